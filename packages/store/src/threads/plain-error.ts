import { CachelaneError, isCachelaneError } from '@cachelane/core';

/** An error in a form that can be sent to another thread. */
export interface PlainError {
  readonly code: string | undefined;
  readonly message: string;
  readonly hint: string | undefined;
  /** Whether it was a CachelaneError. */
  readonly isOurs: boolean;
}

export function plainError(error: unknown): PlainError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (isCachelaneError(error)) return { code: error.code, message, hint: error.hint, isOurs: true };
  return { code, message: message ?? String(error), hint: undefined, isOurs: false };
}

export function fromPlain({ code, message, hint, isOurs }: PlainError): Error {
  if (isOurs) return new CachelaneError(code as CachelaneError['code'], message, hint === undefined ? {} : { hint });
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}
