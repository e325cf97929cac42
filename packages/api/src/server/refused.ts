import { asCachelaneError, CachelaneError, type CachelaneErrorOptions, type ErrorCode } from '@cachelane/core';

/** A request that gets an HTTP status instead of an operation's result. */
export class Refused extends Error {
  readonly status: number;
  readonly error: CachelaneError;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, error: CachelaneError, headers: Readonly<Record<string, string>> = {}) {
    super(error.message);
    this.status = status;
    this.error = error;
    this.headers = headers;
  }
}

/** Makes a refusal with its error. */
export function refused(
  status: number,
  code: ErrorCode,
  {
    message,
    headers,
    ...options
  }: CachelaneErrorOptions & { readonly message: string; readonly headers?: Refused['headers'] },
): Refused {
  return new Refused(status, new CachelaneError(code, message, options), headers);
}

/** Refuses because the engine is at its limit. */
export function busy(message: string): Refused {
  const hint = 'retry in a moment, with fewer requests at once';
  return refused(503, 'E_ENGINE_BUSY', { message, hint, retryable: true, headers: { 'retry-after': '1' } });
}

/** Returns the refusal for any error. */
export function refusalFor(thrown: unknown): Refused {
  if (thrown instanceof Refused) return thrown;
  const error = asCachelaneError(thrown);
  return new Refused(error.code === 'E_INTERNAL' ? 500 : error.retryable ? 503 : 400, error);
}
