import { limits, type Clock, type Remote } from '@cachelane/core';
import { openGate } from '../base/gate.ts';

export interface LimitOptions {
  readonly clock: Clock;
  /** Concurrent object calls; downloads count until their last byte. `limits.remoteParallelCalls` by default. */
  readonly parallelCalls?: number;
  /** For both directions together; unlimited by default. */
  readonly bytesPerSecond?: number;
}

/** Limits concurrent object calls. Head calls are not limited, because they are small and a user waits for them. */
export function limited(
  remote: Remote,
  { clock, parallelCalls = limits.remoteParallelCalls, bytesPerSecond }: LimitOptions,
): Remote {
  const { objects } = remote;
  const gate = openGate(parallelCalls);
  const pace = bytesPerSecond === undefined ? undefined : paceOf(clock, bytesPerSecond);
  const paced = (data: AsyncIterable<Uint8Array>, signal: AbortSignal) =>
    pace === undefined ? data : pace(data, signal);
  return {
    ...remote,
    objects: {
      put: (key, source, signal) =>
        gate.pass(signal, () => objects.put(key, { ...source, read: () => paced(source.read(), signal) }, signal)),
      renew: (key, source, signal) =>
        gate.pass(signal, () => objects.renew(key, { ...source, read: () => paced(source.read(), signal) }, signal)),
      async get(key, request, signal) {
        const leave = await gate.enter(signal);
        try {
          const download = await objects.get(key, request, signal);
          if (download === undefined) {
            leave();
            return undefined;
          }
          return { ...download, data: thenLeave(paced(download.data, signal), leave) };
        } catch (error) {
          leave();
          throw error;
        }
      },
      stat: (key, signal) => gate.pass(signal, () => objects.stat(key, signal)),
      list: (prefix, page, signal) => gate.pass(signal, () => objects.list(prefix, page, signal)),
      remove: (key, signal) => gate.pass(signal, () => objects.remove(key, signal)),
      sweep: (signal) => gate.pass(signal, () => objects.sweep(signal)),
    },
    [Symbol.asyncDispose]: () => remote[Symbol.asyncDispose](),
  };
}

async function* thenLeave(data: AsyncIterable<Uint8Array>, leave: () => void): AsyncIterable<Uint8Array> {
  try {
    yield* data;
  } finally {
    leave();
  }
}

type Pace = (data: AsyncIterable<Uint8Array>, signal: AbortSignal) => AsyncIterable<Uint8Array>;

/** Each piece reserves its time after earlier pieces of all streams. */
function paceOf(clock: Clock, bytesPerSecond: number): Pace {
  let freeAtMs = 0;
  return async function* paced(data, signal) {
    for await (const piece of data) {
      const nowMs = clock.monotonicMs();
      freeAtMs = Math.max(freeAtMs, nowMs) + (piece.byteLength * 1000) / bytesPerSecond;
      yield piece;
      const waitMs = freeAtMs - clock.monotonicMs();
      if (waitMs > 0) await clock.sleep(waitMs, signal);
    }
  };
}
