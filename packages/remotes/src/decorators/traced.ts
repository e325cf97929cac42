import {
  CachelaneError,
  type Clock,
  type ObjectSource,
  type Remote,
  type RemoteEvent,
  type RemoteOperation,
} from '@cachelane/core';

export interface TraceOptions {
  readonly clock: Clock;
  readonly onEvent: (event: RemoteEvent) => void;
}

interface Traced<T> {
  readonly operation: RemoteOperation;
  readonly key: string;
  readonly act: (count: (bytes: number) => void) => Promise<T>;
  readonly outcome: (result: T) => string;
}

/** Emits one event for each call with its outcome and duration; for a download after its last byte. */
export function traced(remote: Remote, { clock, onEvent }: TraceOptions): Remote {
  const { objects, heads } = remote;
  const start = (operation: RemoteOperation, key: string) => {
    const startedAtMs = clock.monotonicMs();
    let sizeBytes = 0;
    return {
      count: (bytes: number): void => {
        sizeBytes += bytes;
      },
      end: (outcome: string): void => {
        const durationMs = clock.monotonicMs() - startedAtMs;
        onEvent({ type: 'remote-call', remote: remote.name, operation, key, sizeBytes, durationMs, outcome });
      },
    };
  };
  const trace = async <T>({ operation, key, act, outcome }: Traced<T>): Promise<T> => {
    const { count, end } = start(operation, key);
    try {
      const result = await act(count);
      end(outcome(result));
      return result;
    } catch (error) {
      end(codeOf(error));
      throw error;
    }
  };
  return {
    name: remote.name,
    lagMs: remote.lagMs,
    objects: {
      put: (key, source, signal) =>
        trace({
          operation: 'put',
          key,
          act: (count) => objects.put(key, counted(source, count), signal),
          outcome: kind,
        }),
      renew: (key, source, signal) =>
        trace({
          operation: 'renew',
          key,
          act: (count) => objects.renew(key, counted(source, count), signal),
          outcome: () => 'stored',
        }),
      async get(key, request, signal) {
        const { count, end } = start('get', key);
        try {
          const download = await objects.get(key, request, signal);
          if (download === undefined) end('missing');
          return download && { ...download, data: tracedPieces(download.data, { count, end }) };
        } catch (error) {
          end(codeOf(error));
          throw error;
        }
      },
      stat: (key, signal) => trace({ operation: 'stat', key, act: () => objects.stat(key, signal), outcome: found }),
      list: (prefix, page, signal) =>
        trace({
          operation: 'list',
          key: prefix,
          act: () => objects.list(prefix, page, signal),
          outcome: (list) => `${list.objects.length}`,
        }),
      remove: (key, signal) =>
        trace({ operation: 'remove', key, act: () => objects.remove(key, signal), outcome: () => 'removed' }),
      sweep: (signal) =>
        trace({ operation: 'sweep', key: '', act: () => objects.sweep(signal), outcome: (count) => `${count}` }),
    },
    heads: {
      read: (key, signal) =>
        trace({
          operation: 'read head',
          key,
          async act(count) {
            const head = await heads.read(key, signal);
            count(head?.bytes.byteLength ?? 0);
            return head;
          },
          outcome: found,
        }),
      swap: (request, signal) =>
        trace({
          operation: 'swap head',
          key: request.key,
          act(count) {
            count(request.bytes.byteLength);
            return heads.swap(request, signal);
          },
          outcome: kind,
        }),
      remove: (request, signal) =>
        trace({
          operation: 'remove head',
          key: request.key,
          act: () => heads.remove(request, signal),
          outcome: kind,
        }),
      removeDamaged: (request, signal) =>
        trace({
          operation: 'remove damaged head',
          key: request.key,
          act: () => heads.removeDamaged(request, signal),
          outcome: kind,
        }),
      list: (prefix, page, signal) =>
        trace({
          operation: 'list heads',
          key: prefix,
          act: () => heads.list(prefix, page, signal),
          outcome: (list) => `${list.keys.length}`,
        }),
    },
    [Symbol.asyncDispose]: () => remote[Symbol.asyncDispose](),
  };
}

const found = (result: unknown): string => (result === undefined ? 'missing' : 'found');
const kind = (result: { readonly kind: string }): string => result.kind;

function codeOf(error: unknown): string {
  return error instanceof CachelaneError ? error.code : 'E_INTERNAL';
}

function counted(source: ObjectSource, count: (bytes: number) => void): ObjectSource {
  return {
    sizeBytes: source.sizeBytes,
    digest: source.digest,
    async *read() {
      for await (const piece of source.read()) {
        count(piece.byteLength);
        yield piece;
      }
    },
  };
}

interface Ending {
  readonly count: (bytes: number) => void;
  readonly end: (outcome: string) => void;
}

async function* tracedPieces(data: AsyncIterable<Uint8Array>, { count, end }: Ending): AsyncIterable<Uint8Array> {
  let outcome = 'stopped';
  try {
    for await (const piece of data) {
      count(piece.byteLength);
      yield piece;
    }
    outcome = 'found';
  } catch (error) {
    outcome = codeOf(error);
    throw error;
  } finally {
    end(outcome);
  }
}
