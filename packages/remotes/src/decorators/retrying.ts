import {
  CachelaneError,
  isCachelaneError,
  limits,
  type Clock,
  type GetRequest,
  type ObjectDownload,
  type Random,
  type Remote,
  type RemoteEvent,
  type RemoteKey,
  type RemoteOperation,
} from '@cachelane/core';
import { corrupt, expectContent } from '../content/expect-content.ts';

export interface RetryOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly onEvent?: (event: RemoteEvent) => void;
  /** `limits.remoteAttempts` by default. */
  readonly attempts?: number;
}

interface Call {
  readonly operation: RemoteOperation;
  readonly key: string;
  readonly signal: AbortSignal;
}

/**
 * Retries calls with waits that double and vary. All calls of the ports are idempotent, so retrying also settles lost
 * answers. Downloads continue where they broke off.
 */
export function retrying(remote: Remote, options: RetryOptions): Remote {
  const { objects, heads } = remote;
  const patiently = <T>(call: Call, act: () => Promise<T>): Promise<T> => repeat(remote, options, { call, act });
  return {
    name: remote.name,
    lagMs: remote.lagMs,
    objects: {
      put: (key, source, signal) =>
        patiently({ operation: 'put', key, signal }, () => objects.put(key, source, signal)),
      renew: (key, source, signal) =>
        patiently({ operation: 'renew', key, signal }, () => objects.renew(key, source, signal)),
      get: (key, request, signal) => resumingGet(remote, options, { key, request, signal }),
      stat: (key, signal) => patiently({ operation: 'stat', key, signal }, () => objects.stat(key, signal)),
      list: (prefix, page, signal) =>
        patiently({ operation: 'list', key: prefix, signal }, () => objects.list(prefix, page, signal)),
      remove: (key, signal) => patiently({ operation: 'remove', key, signal }, () => objects.remove(key, signal)),
      sweep: (signal) => patiently({ operation: 'sweep', key: '', signal }, () => objects.sweep(signal)),
    },
    heads: {
      read: (key, signal) => patiently({ operation: 'read head', key, signal }, () => heads.read(key, signal)),
      swap: (request, signal) =>
        patiently({ operation: 'swap head', key: request.key, signal }, () => heads.swap(request, signal)),
      remove: (request, signal) =>
        patiently({ operation: 'remove head', key: request.key, signal }, () => heads.remove(request, signal)),
      removeDamaged: (request, signal) =>
        patiently({ operation: 'remove damaged head', key: request.key, signal }, () =>
          heads.removeDamaged(request, signal),
        ),
      list: (prefix, page, signal) =>
        patiently({ operation: 'list heads', key: prefix, signal }, () => heads.list(prefix, page, signal)),
    },
    [Symbol.asyncDispose]: () => remote[Symbol.asyncDispose](),
  };
}

interface Repeated<T> {
  readonly call: Call;
  readonly act: () => Promise<T>;
}

async function repeat<T>(remote: Remote, options: RetryOptions, { call, act }: Repeated<T>): Promise<T> {
  let last: unknown;
  for (let failures = 1; ; failures++) {
    try {
      return await act();
    } catch (error) {
      if (last !== undefined && isCachelaneError(error, 'E_ABORTED')) throw stopped(last);
      last = error;
      await waitOrThrow(remote, options, { call, failures, error });
    }
  }
}

interface Failed {
  readonly call: Call;
  readonly failures: number;
  readonly error: unknown;
}

async function waitOrThrow(remote: Remote, options: RetryOptions, { call, failures, error }: Failed): Promise<void> {
  const { clock, random, onEvent, attempts = limits.remoteAttempts } = options;
  if (!(error instanceof CachelaneError) || !error.retryable || failures >= attempts) throw error;
  const { operation, key, signal } = call;
  const waitMs = waitBefore(failures, random);
  onEvent?.({ type: 'remote-retry', remote: remote.name, operation, key, failures, code: error.code, waitMs });
  try {
    await clock.sleep(waitMs, signal);
  } catch {
    throw stopped(error);
  }
}

/** An abort during retries has the last failure as its cause. */
function stopped(cause: unknown): CachelaneError {
  return new CachelaneError('E_ABORTED', 'stopped on request', { cause });
}

/** Waits between half and all of the time, so that clients that failed together do not retry together. */
function waitBefore(failures: number, random: Random): number {
  const fullMs = Math.min(limits.remoteLongestWaitMs, limits.remoteFirstWaitMs * 2 ** (failures - 1));
  const [first = 0, second = 0] = random.bytes(2);
  return Math.round(fullMs * (0.5 + (first * 256 + second) / 131_072));
}

interface Getting {
  readonly key: RemoteKey;
  readonly request: GetRequest;
  readonly signal: AbortSignal;
}

async function resumingGet(
  remote: Remote,
  options: RetryOptions,
  { key, request, signal }: Getting,
): Promise<ObjectDownload | undefined> {
  const call: Call = { operation: 'get', key, signal };
  const { offset: start = 0, expect } = request;
  const open = (offset: number) =>
    repeat(remote, options, { call, act: () => remote.objects.get(key, { offset }, signal) });
  const first = await open(start);
  if (first === undefined) return undefined;
  const what = `${key} in ${remote.name}`;

  async function* pieces(download: ObjectDownload): AsyncIterable<Uint8Array> {
    let position = start;
    let failures = 0;
    for (let current = download; ;) {
      try {
        for await (const piece of current.data) {
          position += piece.byteLength;
          failures = 0;
          yield piece;
        }
        return;
      } catch (error) {
        failures += 1;
        await waitOrThrow(remote, options, { call, failures, error });
      }
      const next = await open(position);
      if (next === undefined) throw corrupt(what, 'was removed while it was read');
      if (next.sizeBytes !== download.sizeBytes) throw corrupt(what, 'was replaced while it was read');
      current = next;
    }
  }
  const data = pieces(first);
  return { sizeBytes: first.sizeBytes, data: expect === undefined ? data : expectContent(data, expect, what) };
}
