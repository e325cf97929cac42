import {
  type LayerId,
  type LayerRecord,
  type Metadata,
  type NamespaceId,
  type RunId,
  isPersonal,
  mergesByPath,
} from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';
import { whyNotFed } from './feed-rule.ts';
import { originsOf } from './feed-tier.ts';
import { feedingOf } from './tiers-of-run.ts';

export interface Bringing {
  readonly planned: PlannedVolume;
  /** The tier to be fed. */
  readonly tierId: NamespaceId;
  /** The layers that would be fed. */
  readonly ids: Iterable<LayerId>;
}

/**
 * Returns whether a first save copied some layers from another tier. Readers of this tier may lack access to that tier, and the layers above
 * depend on those layers, so nothing is fed. A rule of the tier that covers the layers allows them.
 */
export async function isTakenAlong(
  { metadata, layers }: Pick<EngineDependencies, 'metadata' | 'layers'>,
  { planned, tierId, ids }: Bringing,
  signal: AbortSignal,
): Promise<boolean> {
  if (mergesByPath(planned.tool)) return false;
  const records: LayerRecord[] = [];
  for (const id of ids) {
    const record = await metadata.layer(id, signal);
    if (record !== undefined) records.push(record);
  }
  const { others, takes } = await ofTiers(metadata, { planned, tierId }, signal);
  const areOthers = async (runs: Iterable<RunId>): Promise<boolean> => {
    for (const id of runs) {
      const run = await metadata.run(id, signal);
      if (run !== undefined && !takes(run.namespaceId)) return true;
    }
    return false;
  };
  // Indexes are the slowest check, so they come last.
  return (
    (await isAnyHeld(metadata, { records, others }, signal)) ||
    (await areOthers(records.map(({ run }) => run))) ||
    (await areOthers(await originsOf({ layers }, records, signal)))
  );
}

interface OfTiers {
  /** Other tiers of the volume, without this one and the project's own. */
  readonly others: ReadonlySet<NamespaceId>;
  /** Whether the tier takes saves of a namespace. */
  readonly takes: (from: NamespaceId) => boolean;
}

async function ofTiers(
  metadata: Metadata,
  { planned, tierId }: Omit<Bringing, 'ids'>,
  signal: AbortSignal,
): Promise<OfTiers> {
  const own = await metadata.findNamespace(planned.own.namespace, signal);
  const feeding = feedingOf(planned, own);
  const rules = await metadata.feedsOf(tierId, signal);
  const names = new Map((await metadata.listNamespaces(signal)).map(({ id, paths }) => [id, paths]));
  const takes = (from: NamespaceId): boolean =>
    from === tierId ||
    from === own?.id ||
    rules.some((rule) => whyNotFed(rule, { ...feeding, names: names.get(from) ?? [] }) === null);
  const others = new Set<NamespaceId>();
  for (const namespace of planned.tiers) {
    const id = (await metadata.findNamespace(namespace, signal))?.id;
    if (id === undefined || isPersonal(namespace) || takes(id)) continue;
    // What a tier takes from this project may be this project's own work.
    const isFed = (await metadata.feedsOf(id, signal)).some((rule) => whyNotFed(rule, feeding) === null);
    if (!isFed) others.add(id);
  }
  return { others, takes };
}

/** Whether another tier holds the layers. Run records alone do not tell: after a pull, all runs that a lane names count as its project's. */
async function isAnyHeld(
  metadata: Metadata,
  { records, others }: Pick<OfTiers, 'others'> & { readonly records: readonly LayerRecord[] },
  signal: AbortSignal,
): Promise<boolean> {
  for (const { id } of others.size === 0 ? [] : records) {
    for (const volumeId of await metadata.volumesHolding(id, signal)) {
      const volume = await metadata.volume(volumeId, signal);
      if (volume !== undefined && others.has(volume.namespaceId)) return true;
    }
  }
  return false;
}
