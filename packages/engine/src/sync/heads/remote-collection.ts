import {
  CachelaneError,
  type HeadManifest,
  type RemoteKey,
  dataKey,
  indexKey,
  isRemoteKey,
  limits,
  parseRemoteKey,
} from '@cachelane/core';

/** The key of the collection state in a remote. */
export const collectionKey: RemoteKey = parseRemoteKey('collection');

/**
 * Objects that no head named at the last collection. `marked`: a push that relies on one stores it again, and it stays. `deleting`: they
 * are being deleted, and a push must wait.
 */
export interface RemoteCollection {
  readonly phase: 'marked' | 'deleting';
  /** Start of `marked` by the remote's clock. Objects stored later stay. */
  readonly markedAtMs: number;
  /** Start of `deleting` by the remote's clock; 0 before. */
  readonly deletingAtMs: number;
  readonly keys: readonly RemoteKey[];
}

const format = 'cachelane-collection';
const version = 1;

export function encodeCollection({ phase, markedAtMs, deletingAtMs, keys }: RemoteCollection): Uint8Array {
  const document = {
    format,
    version,
    phase,
    markedAtMs,
    deletingAtMs,
    keys: keys.slice(0, limits.remoteMarkedObjects),
  };
  return new TextEncoder().encode(JSON.stringify(document));
}

/** Throws E_OBJECT_CORRUPT, and E_REMOTE_UNFIT for a state by a later version, which an older client cannot interpret safely. */
export function decodeCollection(bytes: Uint8Array): RemoteCollection {
  const found = read(bytes);
  if (found['format'] !== format) throw corrupt();
  if (typeof found['version'] === 'number' && found['version'] > version) {
    throw new CachelaneError('E_REMOTE_UNFIT', `a collection by version ${found['version']} is running in the remote`, {
      hint: 'use a later version of cachelane',
    });
  }
  const { phase, markedAtMs, deletingAtMs, keys } = found;
  const isKnown = phase === 'marked' || phase === 'deleting';
  if (!isKnown || typeof markedAtMs !== 'number' || typeof deletingAtMs !== 'number' || !Array.isArray(keys))
    throw corrupt();
  return {
    phase,
    markedAtMs,
    deletingAtMs,
    keys: keys.filter((key): key is RemoteKey => typeof key === 'string' && isRemoteKey(key)),
  };
}

function read(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch (cause) {
    throw corrupt(cause);
  }
}

function corrupt(cause?: unknown): CachelaneError {
  return new CachelaneError('E_OBJECT_CORRUPT', 'the collection state of the remote is damaged', {
    cause,
  });
}

/** Returns all objects that a head needs, also for replaced layers, so that a run can be removed. Objects that no head needs may be deleted. */
export function objectsOf({ layers, squashes }: Pick<HeadManifest, 'layers' | 'squashes'>): readonly RemoteKey[] {
  return [...layers, ...squashes.flatMap((squash) => squash.layers)].flatMap(({ id, data }) => [
    indexKey(id),
    dataKey(data.digest),
  ]);
}

/** Returns the key of the object whose time tells when a head was last read. */
export function useKey(head: RemoteKey): RemoteKey {
  return parseRemoteKey(`uses/${head.slice(head.lastIndexOf('/') + 1)}`);
}
