import { CachelaneError, isCachelaneError } from './errors.ts';

/** What a call that cannot reach its engine, or whose signal ended it, throws. */
export function unreachable(cause: unknown, address: string, signal: AbortSignal | undefined): CachelaneError {
  if (isCachelaneError(cause)) return cause;
  if (signal?.aborted === true) return aborted(signal);
  return gone(address, innermost(cause), cause);
}

/** Where nobody need be asked to know that. */
export function noEngineAt(address: string): CachelaneError {
  return gone(address, 'nobody listens there');
}

function gone(address: string, why: string, cause?: unknown): CachelaneError {
  return new CachelaneError('E_ENGINE_GONE', `the engine at ${address} cannot be reached: ${why}`, {
    hint: 'start one with: cachelane serve',
    retryable: true,
    cause,
  });
}

export function aborted(signal: AbortSignal): CachelaneError {
  return new CachelaneError('E_ABORTED', 'the call was aborted', { cause: signal.reason });
}

/** `fetch failed` says nothing; what it was caused by does. */
function innermost(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown.cause instanceof Error) return innermost(thrown.cause);
  const { code } = thrown as { readonly code?: unknown };
  return thrown.message === '' && typeof code === 'string' ? code : thrown.message;
}

/** Nobody was there to take the request. Where that is not known, it may have been carried out. */
export function neverSent({ cause }: CachelaneError): boolean {
  for (let each = cause; each instanceof Error; each = each.cause) {
    if (['ECONNREFUSED', 'ENOENT'].includes(String((each as { readonly code?: unknown }).code))) return true;
  }
  return false;
}
