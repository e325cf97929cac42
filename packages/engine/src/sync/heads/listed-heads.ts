import {
  CachelaneError,
  type HeadManifest,
  type LaneName,
  type Namespace,
  type Remote,
  type RemoteHead,
  type RemoteKey,
  type VolumeName,
  decodeManifest,
  headKey,
  headPrefix,
} from '@cachelane/core';
import { withMend } from './remote-heads.ts';

export async function* headKeys({ heads }: Remote, signal: AbortSignal): AsyncGenerator<RemoteKey> {
  for (let after: RemoteKey | undefined; ;) {
    const { keys, more } = await heads.list(headPrefix, after === undefined ? {} : { after }, signal);
    yield* keys;
    after = keys.at(-1);
    if (!more || after === undefined) return;
  }
}

/** Decodes a head and checks that its key is its own. Throws as {@link decodeManifest}. */
export function manifestAt(key: RemoteKey, head: RemoteHead): HeadManifest {
  const manifest = decodeManifest(head.bytes, null);
  if (headKey(manifest) === key) return manifest;
  throw new CachelaneError(
    'E_OBJECT_CORRUPT',
    `it is the head of ${manifest.namespace}:${manifest.volume} on lane ${manifest.lane}`,
  );
}

export interface WantedHeads {
  readonly namespace: Namespace;
  readonly volume: VolumeName;
  /** Null: all lanes. */
  readonly lane: LaneName | null;
}

/**
 * Returns a volume's heads in a remote, for all compat values. Reads every head. Throws E_OBJECT_CORRUPT if one cannot be read, since it
 * may be of this volume.
 */
export async function findHeads(
  remote: Remote,
  { namespace, volume, lane }: WantedHeads,
  signal: AbortSignal,
): Promise<readonly HeadManifest[]> {
  const found: HeadManifest[] = [];
  for await (const key of headKeys(remote, signal)) {
    const manifest = await withMend(async () => {
      const head = await remote.heads.read(key, signal);
      return head === undefined ? null : manifestAt(key, head);
    });
    if (manifest?.namespace !== namespace || manifest.volume !== volume) continue;
    if (lane === null || manifest.lane === lane) found.push(manifest);
  }
  return found;
}

/** Returns when a head last moved, by its writers' clocks. */
export function lastMoveOf({ layers, runs }: Pick<HeadManifest, 'layers' | 'runs'>): number {
  return Math.max(0, ...layers.map(({ sealedAtMs }) => sealedAtMs), ...runs.map(({ startedAtMs }) => startedAtMs));
}
