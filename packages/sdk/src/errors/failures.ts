import { CachelaneError, isCachelaneError } from './errors.ts';

/** Returns the error for an unreachable engine or an aborted signal. */
export function unreachable(cause: unknown, address: string, signal: AbortSignal | undefined): CachelaneError {
  if (isCachelaneError(cause)) return cause;
  if (signal?.aborted === true) return aborted(signal);
  return gone(address, innermost(cause), cause);
}

/** Returns the error for an engine that is known not to run. */
export function noEngineAt(address: string): CachelaneError {
  return gone(address, 'no engine listens there');
}

function gone(address: string, why: string, cause?: unknown): CachelaneError {
  return new CachelaneError('E_ENGINE_GONE', `cannot reach the engine at ${address}: ${why}`, {
    hint: 'start one with: cachelane serve',
    retryable: true,
    cause,
  });
}

export function aborted(signal: AbortSignal): CachelaneError {
  return new CachelaneError('E_ABORTED', 'the call was aborted', { cause: signal.reason });
}

/** Returns the innermost message, since `fetch failed` explains nothing. */
function innermost(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown.cause instanceof Error) return innermost(thrown.cause);
  const { code } = thrown as { readonly code?: unknown };
  return thrown.message === '' && typeof code === 'string' ? code : thrown.message;
}

/** Returns whether the request certainly did not reach an engine. */
export function neverSent({ cause }: CachelaneError): boolean {
  for (let each = cause; each instanceof Error; each = each.cause) {
    if (['ECONNREFUSED', 'ENOENT'].includes(String((each as { readonly code?: unknown }).code))) return true;
  }
  return false;
}
