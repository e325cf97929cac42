/** For clean-up that must finish after the user aborts. */
export const neverAborted: AbortSignal = new AbortController().signal;
