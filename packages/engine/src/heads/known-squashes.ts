import {
  Squashes,
  type HeadRecord,
  type LaneName,
  type LayerId,
  type LayerStore,
  type Metadata,
  type VolumeId,
} from '@cachelane/core';
import { cleanUpsAmong, standing } from '../base/clean-ups.ts';
import { isDamage } from '../base/is-damage.ts';

export interface LanePlace {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
}

/** Returns the known squashes of a lane. */
export async function squashesOf(
  metadata: Pick<Metadata, 'squashes'>,
  { volumeId, lane }: LanePlace,
  signal: AbortSignal,
): Promise<Squashes> {
  return new Squashes(await metadata.squashes(volumeId, lane, signal));
}

/**
 * Whether a local head may name a layer: the store has its content and its record. A collector may delete content without a record at any
 * time, such as the leftovers of a failed push.
 */
export async function isRecordedHere(
  deps: { readonly metadata: Pick<Metadata, 'layer'>; readonly layers: Pick<LayerStore, 'has'> },
  id: LayerId,
  signal: AbortSignal,
): Promise<boolean> {
  return (await deps.layers.has(id, signal)) && (await deps.metadata.layer(id, signal)) !== undefined;
}

export interface MendedHead {
  /** Top first. */
  readonly layers: readonly LayerId[];
  /** As `CommitRequest.lost`. */
  readonly lost: readonly LayerId[];
}

/** Returns a head without unusable layers, and without clean-ups that saw them. The sound layers that a damaged squash replaced take its place. */
export async function withoutDamaged(
  deps: { readonly metadata: Pick<Metadata, 'squashes' | 'layer' | 'run'>; readonly layers: LayerStore },
  { head, bad }: { readonly head: LanePlace & Pick<HeadRecord, 'layers'>; readonly bad: ReadonlySet<LayerId> },
  signal: AbortSignal,
): Promise<MendedHead> {
  const squashes = await squashesOf(deps.metadata, head, signal);
  const gaps = new Set<LayerId>();
  const open = async (id: LayerId): Promise<readonly LayerId[]> => {
    const parts = squashes.partsOf(id).filter((part) => part !== id);
    if (parts.length === 0) gaps.add(id);
    const opened: LayerId[] = [];
    for (const part of parts)
      opened.push(...(!bad.has(part) && (await isSound(deps, part, signal)) ? [part] : await open(part)));
    return parts.length === 0 ? [id] : opened;
  };
  const stack: LayerId[] = [];
  for (const id of head.layers) stack.push(...(bad.has(id) ? await open(id) : [id]));
  const cleanUps = await cleanUpsAmong(deps.metadata, stack, signal);
  const layers = standing(stack, { isHere: (id) => !gaps.has(id), cleanUps });
  const left = new Set(squashes.expand(layers));
  const gone = squashes.expand(head.layers).filter((id) => !left.has(id));
  const isHurt = (id: LayerId): boolean => bad.has(id) || squashes.expand([id]).some((each) => gone.includes(each));
  const hurt = squashes.records.flatMap(({ id }) => (isHurt(id) ? [id] : []));
  return { layers, lost: [...new Set([...head.layers.filter((id) => bad.has(id)), ...gone, ...hurt])] };
}

async function isSound(
  deps: { readonly metadata: Pick<Metadata, 'layer'>; readonly layers: LayerStore },
  id: LayerId,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return (await isRecordedHere(deps, id, signal)) && (await deps.layers.verify(id, signal)).ok;
  } catch (error) {
    if (isDamage(error)) return false;
    throw error;
  }
}
