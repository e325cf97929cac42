import { CachelaneError, isCachelaneError, type ErrorCode } from '@cachelane/core';

/** What helps against an error of the engine is said as the API has it, and not the command line. */
export async function withHint<T>(code: ErrorCode, hint: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    if (!isCachelaneError(cause, code)) throw cause;
    throw new CachelaneError(code, cause.message, { hint, retryable: cause.retryable, cause });
  }
}
