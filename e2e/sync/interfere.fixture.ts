import { CachelaneError, type ObjectSource, type Remote } from '@cachelane/core';

export type Interference =
  /** It did not happen, and the caller gets no answer. */
  | 'lose-request'
  /** It happened, and the caller gets no answer. */
  | 'lose-reply'
  | 'twice'
  /** Once more when the next call is over. */
  | 'late-again'
  /** The process is killed before it happens. */
  | 'die-before'
  /** It happens, and the process is killed. */
  | 'die-after';

export interface InterferedCall {
  readonly operation: string;
  /** 1 for the first one of all. */
  readonly number: number;
}

/** Data counts as a call each time that so much of it has gone by. */
const pieceBytes = 2 << 20;

/** A remote whose calls fail as `decide` chooses. Repeated calls reach the driver twice. */
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
    // Its outcome is ignored.
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

/** Nothing runs after it: no `finally`, no buffer is written. */
function die(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('unreachable: SIGKILL to oneself is delivered before kill(2) returns');
}
