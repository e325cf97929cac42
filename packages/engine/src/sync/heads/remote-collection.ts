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

/** Where a remote says what is about to go. */
export const collectionKey: RemoteKey = parseRemoteKey('collection');

/**
 * Objects that no head named when somebody looked. `marked`: whoever counts on one of them stores it anew, then it stays. `deleting`: they go at this moment,
 * and nobody may count on anything until that is over.
 */
export interface RemoteCollection {
  readonly phase: 'marked' | 'deleting';
  /** When `marked` began, by the remote's own clock: what was stored after that stays. */
  readonly markedAtMs: number;
  /** When `deleting` began, by the same clock; 0 before. */
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

/** Throws E_OBJECT_CORRUPT, and E_REMOTE_UNFIT for what a later version wrote: who does not know what it means must not count on anything. */
export function decodeCollection(bytes: Uint8Array): RemoteCollection {
  const found = read(bytes);
  if (found['format'] !== format) throw corrupt();
  if (typeof found['version'] === 'number' && found['version'] > version) {
    throw new CachelaneError('E_REMOTE_UNFIT', `a collection of version ${found['version']} is at work in the remote`, {
      hint: 'use a later cachelane',
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
  return new CachelaneError(
    'E_OBJECT_CORRUPT',
    'what the remote says of its collections is not what Cachelane writes',
    {
      cause,
    },
  );
}

/** Every object that a head needs, also of layers that its squashes replaced: a run is taken out with them. What is not among these, of any head, is nobody's. */
export function objectsOf({ layers, squashes }: Pick<HeadManifest, 'layers' | 'squashes'>): readonly RemoteKey[] {
  return [...layers, ...squashes.flatMap((squash) => squash.layers)].flatMap(({ id, data }) => [
    indexKey(id),
    dataKey(data.digest),
  ]);
}

/** Whose only meaning is when it was stored: that somebody read a head then. */
export function useKey(head: RemoteKey): RemoteKey {
  return parseRemoteKey(`uses/${head.slice(head.lastIndexOf('/') + 1)}`);
}
