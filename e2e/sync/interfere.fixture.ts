import { CachelaneError, type ObjectSource, type Remote } from '@cachelane/core';

export type Interference =
  /** The call does not happen, and the caller gets an error. */
  | 'lose-request'
  /** The call happens, and the caller gets an error. */
  | 'lose-reply'
  | 'twice'
  /** The call happens again after the next one. */
  | 'late-again'
  /** The process is killed before the call. */
  | 'die-before'
  /** The process is killed after the call. */
  | 'die-after';

export interface InterferedCall {
  readonly operation: string;
  /** Starts with 1. */
  readonly number: number;
}

/** Transferred data counts as a call after every so many bytes. */
const pieceBytes = 2 << 20;

/** Returns a remote that interferes with calls as `decide` says. Repeats happen at the driver, not on the wire. */
export function interfered(remote: Remote, decide: (call: InterferedCall) => Interference | undefined): Remote {
  let number = 0;
  let owed: (() => Promise<unknown>) | undefined;
  const step = async <T>(operation: string, act: () => Promise<T>): Promise<T> => {
    const what = decide({ operation, number: ++number });
    if (what === 'die-before') die();
    if (what === 'lose-request') throw lost();
    if (what === 'twice') await act();
    const result = await act();
    if (what === 'die-after') die();
    const again = owed;
    owed = what === 'late-again' ? act : undefined;
    // The outcome of the repetition does not matter.
    await again?.().catch(() => undefined);
    if (what === 'lose-reply') throw lost();
    return result;
  };
  async function* watched(operation: string, data: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    let bytes = 0;
    for await (const piece of data) {
      yield piece;
      bytes += piece.byteLength;
      if (bytes < pieceBytes) continue;
      bytes = 0;
      await step(`${operation} data`, () => Promise.resolve());
    }
  }
  const objects = stepwise(remote.objects, step);
  return {
    name: remote.name,
    lagMs: remote.lagMs,
    heads: stepwise(remote.heads, step),
    objects: {
      ...objects,
      put: (key, source, signal) => objects.put(key, watchedSource(source, watched), signal),
      get: async (key, request, signal) => {
        const download = await objects.get(key, request, signal);
        return download === undefined ? undefined : { ...download, data: watched('get', download.data) };
      },
    },
    [Symbol.asyncDispose]: () => remote[Symbol.asyncDispose](),
  };
}

type Watch = (operation: string, data: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;

function watchedSource(source: ObjectSource, watched: Watch): ObjectSource {
  const { sizeBytes, digest } = source;
  return { sizeBytes, digest, read: () => watched('put', source.read()) };
}

function stepwise<T extends object>(port: T, step: <R>(operation: string, act: () => Promise<R>) => Promise<R>): T {
  const calls = Object.entries(port).map(([operation, call]: [string, (...args: unknown[]) => Promise<unknown>]) => [
    operation,
    (...args: unknown[]) => step(operation, () => call(...args)),
  ]);
  return Object.fromEntries(calls) as T;
}

function lost(): CachelaneError {
  return new CachelaneError('E_REMOTE_UNKNOWN', 'simulated: the answer got lost', { retryable: true });
}

/** Ends the process at once: without `finally`, and without flushing buffers. */
function die(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('unreachable: SIGKILL to oneself is delivered before kill(2) returns');
}
