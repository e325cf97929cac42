/** For work that must be done whatever the person asked meanwhile: freeing what was taken. */
export const neverAborted: AbortSignal = new AbortController().signal;
