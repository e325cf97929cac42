import {
  CachelaneError,
  digestOf,
  invariant,
  limits,
  type AttemptId,
  type HeadRemovalOutcome,
  type HeadVersion,
  type ObjectSource,
  type ObjectStat,
  type Remote,
  type RemoteHead,
  type RemoteHeads,
  type RemoteKey,
  type RemoteObjects,
  type SwapOutcome,
  type SwapRequest,
} from '@cachelane/core';

interface MemoryObject extends ObjectStat {
  readonly bytes: Uint8Array;
}

interface MemoryHead {
  readonly attempt: string;
  readonly version: HeadVersion;
  /** Null: removed. */
  readonly bytes: Uint8Array | null;
  readonly isDamaged?: boolean;
}

/** The state that machines share. */
export interface MemoryRemoteState {
  readonly objects: Map<RemoteKey, MemoryObject>;
  readonly heads: Map<RemoteKey, MemoryHead>;
  /** The remote's clock; only tests move it. */
  nowMs: number;
}

export function emptyRemoteState(): MemoryRemoteState {
  return { objects: new Map(), heads: new Map(), nowMs: 1_700_000_000_000 };
}

/** Damages a head so that no driver can read it. */
export function damageMemoryHead({ heads }: MemoryRemoteState, key: RemoteKey): void {
  const head = heads.get(key);
  invariant(head !== undefined, 'there is no head to damage');
  heads.set(key, { ...head, isDamaged: true });
}

/** A remote for one machine; machines that share `state` share the remote. */
export function memoryRemote(state: MemoryRemoteState = emptyRemoteState(), name = 'memory:'): Remote {
  return {
    name,
    lagMs: 0,
    objects: memoryObjects(state),
    heads: memoryHeads(state),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

const statOf = ({ bytes: _, ...stat }: MemoryObject): ObjectStat => stat;

function memoryObjects(state: MemoryRemoteState): RemoteObjects {
  const { objects } = state;
  const contentsOf = async (key: RemoteKey, source: ObjectSource, signal: AbortSignal): Promise<MemoryObject> => {
    throwIfAborted(signal);
    const pieces: Uint8Array[] = [];
    for await (const piece of source.read()) pieces.push(Uint8Array.from(piece));
    const bytes = Buffer.concat(pieces);
    const digest = digestOf(bytes);
    if (bytes.length !== source.sizeBytes || digest !== source.digest) {
      throw new CachelaneError('E_OBJECT_CORRUPT', `the content of ${key} has a different digest`);
    }
    throwIfAborted(signal);
    return { key, sizeBytes: bytes.length, digest, storedAtMs: state.nowMs, bytes };
  };
  return {
    async put(key, source, signal) {
      const made = await contentsOf(key, source, signal);
      const { digest } = made;
      const known = objects.get(key);
      if (known === undefined) {
        objects.set(key, made);
        return { kind: 'stored' };
      }
      return known.digest === digest ? { kind: 'present' } : { kind: 'different', found: statOf(known) };
    },
    async renew(key, source, signal) {
      objects.set(key, await contentsOf(key, source, signal));
    },
    async get(key, { offset = 0, expect }, signal) {
      throwIfAborted(signal);
      const known = objects.get(key);
      if (known === undefined) return undefined;
      if (offset > known.sizeBytes) throw new CachelaneError('E_OBJECT_CORRUPT', `${key} has fewer bytes`);
      const isOther = expect !== undefined && (expect.digest !== known.digest || expect.sizeBytes !== known.sizeBytes);
      return { sizeBytes: known.sizeBytes, data: pieces(known.bytes.subarray(offset), isOther ? key : null, signal) };
    },
    async stat(key, signal) {
      throwIfAborted(signal);
      const known = objects.get(key);
      return known && statOf(known);
    },
    async list(prefix, { after = '', limit = limits.remoteListPage }, signal) {
      throwIfAborted(signal);
      const keys = keysOf(objects, prefix).filter((key) => key > after);
      const page = keys.slice(0, limit).flatMap((key) => objects.get(key) ?? []);
      return {
        objects: page.map(({ key, sizeBytes, storedAtMs }) => ({ key, sizeBytes, storedAtMs })),
        more: keys.length > limit,
      };
    },
    async remove(key, signal) {
      throwIfAborted(signal);
      objects.delete(key);
    },
    async sweep(signal) {
      throwIfAborted(signal);
      return 0;
    },
  };
}

async function* pieces(bytes: Uint8Array, other: RemoteKey | null, signal: AbortSignal): AsyncIterable<Uint8Array> {
  for (let start = 0; start < bytes.length; start += 65_536) {
    throwIfAborted(signal);
    yield bytes.slice(start, start + 65_536);
  }
  if (other !== null) throw new CachelaneError('E_OBJECT_CORRUPT', `${other} is something else`);
}

function memoryHeads({ heads }: MemoryRemoteState): RemoteHeads {
  const sound = (key: RemoteKey): MemoryHead | undefined => {
    const head = heads.get(key);
    if (head?.isDamaged !== true) return head;
    throw new CachelaneError('E_OBJECT_CORRUPT', `the head ${key} is damaged`);
  };
  const current = (key: RemoteKey): RemoteHead | undefined => {
    const head = sound(key);
    return head === undefined || head.bytes === null ? undefined : { bytes: head.bytes, version: head.version };
  };
  const step = ({ key, expected, attempt, bytes }: Step): SwapOutcome => {
    const known = sound(key);
    if (known?.attempt === attempt) return { kind: 'moved', version: known.version };
    const found = current(key);
    if ((found?.version ?? null) !== expected) return { kind: 'conflict', found };
    const version = versionOf(attempt);
    heads.set(key, { attempt, version, bytes: bytes && Uint8Array.from(bytes) });
    return { kind: 'moved', version };
  };
  return {
    async read(key, signal) {
      throwIfAborted(signal);
      return current(key);
    },
    async swap(request, signal) {
      throwIfAborted(signal);
      invariant(request.bytes.length > 0, 'a head is not empty');
      if (request.bytes.length > limits.remoteHeadBytes) throw new CachelaneError('E_LIMIT', 'that head is too large');
      return step(request);
    },
    async remove(request, signal): Promise<HeadRemovalOutcome> {
      throwIfAborted(signal);
      const outcome = step({ ...request, bytes: null });
      return outcome.kind === 'moved' ? { kind: 'removed' } : outcome;
    },
    async removeDamaged({ key, attempt }, signal) {
      throwIfAborted(signal);
      const known = heads.get(key);
      if (known?.isDamaged !== true) return { kind: known?.attempt === attempt ? 'removed' : 'left' };
      heads.set(key, { attempt, version: versionOf(attempt), bytes: null });
      return { kind: 'removed' };
    },
    async list(prefix, { after = '', limit = limits.remoteListPage }, signal) {
      throwIfAborted(signal);
      const isThere = (key: RemoteKey): boolean => heads.get(key)?.isDamaged === true || current(key) !== undefined;
      const keys = keysOf(heads, prefix).filter((key) => key > after && isThere(key));
      return { keys: keys.slice(0, limit), more: keys.length > limit };
    },
  };
}

const versionOf = (attempt: AttemptId): HeadVersion => `memory-${attempt}` as HeadVersion;

type Step = Omit<SwapRequest, 'bytes'> & { readonly bytes: Uint8Array | null };

function keysOf(map: ReadonlyMap<RemoteKey, unknown>, prefix: string): readonly RemoteKey[] {
  return [...map.keys()].filter((key) => key.startsWith(prefix)).toSorted((a, b) => (a < b ? -1 : 1));
}

function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new CachelaneError('E_ABORTED', 'stopped on request', { cause: signal.reason });
}
