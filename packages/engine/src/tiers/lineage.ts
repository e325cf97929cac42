import {
  isTier,
  mergesByPath,
  seedLane,
  Squashes,
  type LayerId,
  type LayerRecord,
  type PinnedLink,
  type RunId,
  type SessionId,
} from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { findVolume } from '../volumes/find-volume.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';
import { originsOf } from './feed-tier.ts';

/** The tier snapshot that a run's changes are based on. */
export interface Lineage {
  /** Top first; empty if the save needs no other layers. */
  readonly layers: readonly LayerId[];
  readonly origins: ReadonlySet<RunId>;
  readonly sizeBytes: number;
}

const none: Lineage = { layers: [], origins: new Set(), sizeBytes: 0 };

type LineageDependencies = Pick<EngineDependencies, 'metadata' | 'layers'>;

interface Saw {
  readonly planned: PlannedVolume;
  readonly links: readonly PinnedLink[];
  /** Its pins protect the layers behind the tier's squashes. */
  readonly sessionId: SessionId;
}

/**
 * Returns what must lie below a first save, for tools that cannot merge tiers: without the tier's snapshot, the changes would be half a
 * cache. Opens squashes as far as their parts are here, because the own lane does not know the tier's squashes and a run may have to be
 * removed.
 */
export async function lineageOf(
  deps: LineageDependencies,
  { planned, links, sessionId }: Saw,
  signal: AbortSignal,
): Promise<Lineage> {
  const link = mergesByPath(planned.tool) ? undefined : links.find((each) => isSeenTier(planned, each));
  if (link === undefined || link.layers.length === 0) return none;
  const layers = await plainLayers(deps, { planned, link, sessionId }, signal);
  const records: LayerRecord[] = [];
  for (const id of layers) {
    const record = await deps.metadata.layer(id, signal);
    if (record !== undefined) records.push(record);
  }
  const sizeBytes = records.reduce((sum, { counts }) => sum + counts.sizeBytes, 0);
  return { layers, origins: await originsOf(deps, records, signal), sizeBytes };
}

export function isSeenTier({ own }: Pick<PlannedVolume, 'own'>, link: PinnedLink): boolean {
  return isTier(own, link) && link.lane !== seedLane;
}

async function plainLayers(
  { metadata, layers }: LineageDependencies,
  { planned, link, sessionId }: Omit<Saw, 'links'> & { readonly link: PinnedLink },
  signal: AbortSignal,
): Promise<readonly LayerId[]> {
  const address = { namespace: link.namespace, name: planned.request.name, compat: planned.compat };
  const volume = await findVolume(metadata, address, signal);
  // The volume was removed, but its pinned layers are here.
  if (volume === undefined) return link.layers;
  const squashes = new Squashes(await metadata.squashes(volume.id, link.lane, signal));
  const plain = squashes.expand(link.layers);
  if (plain.length === link.layers.length) return link.layers;
  await metadata.updateSession(sessionId, { pins: plain }, signal);
  for (const id of plain) if (!(await layers.has(id, signal))) return link.layers;
  return plain;
}
