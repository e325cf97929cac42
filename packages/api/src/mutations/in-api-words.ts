import { CachelaneError, isCachelaneError, type ErrorCode } from '@cachelane/core';

/** Replaces the engine's hint, which names command-line options, with one that names API arguments. */
export async function withHint<T>(code: ErrorCode, hint: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    if (!isCachelaneError(cause, code)) throw cause;
    throw new CachelaneError(code, cause.message, { hint, retryable: cause.retryable, cause });
  }
}
