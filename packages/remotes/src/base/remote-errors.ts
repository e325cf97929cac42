import { CachelaneError, invariant, limits, type SwapRequest } from '@cachelane/core';

export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw aborted(signal);
}

export function aborted(signal: AbortSignal): CachelaneError {
  return new CachelaneError('E_ABORTED', 'stopped on request', { cause: signal.reason });
}

/** Checks the size, which callers must ensure, because readers would refuse the document. */
export function assertHeadSize({ bytes }: SwapRequest): void {
  invariant(bytes.length > 0, 'a head is not empty');
  if (bytes.length > limits.remoteHeadBytes) {
    throw new CachelaneError(
      'E_LIMIT',
      `a head of ${bytes.length} bytes; at most ${limits.remoteHeadBytes} are allowed`,
    );
  }
}
