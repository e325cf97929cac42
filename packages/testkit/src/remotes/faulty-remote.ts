import { CachelaneError, type ErrorCode, type Remote, type RemoteOperation } from '@cachelane/core';

export type RemoteFault =
  /** It happened, but the answer was lost. */
  | 'after'
  /** It did not happen, and the caller cannot tell. */
  | 'before'
  /** Any error; nothing happened. */
  | { readonly code: ErrorCode; readonly retryable: boolean }
  /** A download that breaks off after so many bytes. */
  | { readonly afterBytes: number };

export interface RemoteCall {
  readonly operation: RemoteOperation;
  /** The first call is 1. */
  readonly number: number;
}

/** A remote with failing calls; `decide` chooses the fault of each. */
export function faultyRemote(remote: Remote, decide: (call: RemoteCall) => RemoteFault | undefined): Remote {
  let number = 0;
  const step = async <T>(operation: RemoteOperation, act: () => Promise<T>): Promise<T> => {
    const fault = decide({ operation, number: ++number });
    if (fault === undefined || (typeof fault === 'object' && 'afterBytes' in fault)) return await act();
    if (fault === 'before') throw lost();
    if (fault !== 'after') throw new CachelaneError(fault.code, 'simulated', { retryable: fault.retryable });
    await act();
    throw lost();
  };
  const { objects, heads } = remote;
  return {
    ...remote,
    objects: {
      put: (key, source, signal) => step('put', () => objects.put(key, source, signal)),
      renew: (key, source, signal) => step('renew', () => objects.renew(key, source, signal)),
      async get(key, request, signal) {
        const fault = decide({ operation: 'get', number: ++number });
        if (typeof fault === 'object' && 'code' in fault) {
          throw new CachelaneError(fault.code, 'simulated', { retryable: fault.retryable });
        }
        const download = await objects.get(key, request, signal);
        if (download === undefined || fault === undefined) return download;
        return { ...download, data: broken(download.data, typeof fault === 'object' ? fault.afterBytes : 0) };
      },
      stat: (key, signal) => step('stat', () => objects.stat(key, signal)),
      list: (prefix, page, signal) => step('list', () => objects.list(prefix, page, signal)),
      remove: (key, signal) => step('remove', () => objects.remove(key, signal)),
      sweep: (signal) => step('sweep', () => objects.sweep(signal)),
    },
    heads: {
      read: (key, signal) => step('read head', () => heads.read(key, signal)),
      swap: (request, signal) => step('swap head', () => heads.swap(request, signal)),
      remove: (request, signal) => step('remove head', () => heads.remove(request, signal)),
      removeDamaged: (request, signal) => step('remove damaged head', () => heads.removeDamaged(request, signal)),
      list: (prefix, page, signal) => step('list heads', () => heads.list(prefix, page, signal)),
    },
    [Symbol.asyncDispose]: () => remote[Symbol.asyncDispose](),
  };
}

function lost(): CachelaneError {
  return new CachelaneError('E_REMOTE_UNKNOWN', 'simulated: the answer was lost', { retryable: true });
}

async function* broken(data: AsyncIterable<Uint8Array>, afterBytes: number): AsyncIterable<Uint8Array> {
  let left = afterBytes;
  for await (const piece of data) {
    if (left > 0) yield piece.subarray(0, left);
    left -= piece.byteLength;
    if (left <= 0) throw new CachelaneError('E_REMOTE_GONE', 'simulated: it broke off', { retryable: true });
  }
}
