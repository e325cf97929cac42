import {
  Squashes,
  type HeadRecord,
  type LaneName,
  type LayerId,
  type LayerStore,
  type Metadata,
  type VolumeId,
} from '@cachelane/core';
import { isDamage } from './is-damage.ts';

export interface LanePlace {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
}

/** What is known here of a lane's squashes. */
export async function squashesOf(
  metadata: Pick<Metadata, 'squashes'>,
  { volumeId, lane }: LanePlace,
  signal: AbortSignal,
): Promise<Squashes> {
  return new Squashes(await metadata.squashes(volumeId, lane, signal));
}

export interface MendedHead {
  /** Top first. */
  readonly layers: readonly LayerId[];
  /** As `CommitRequest.lost`. */
  readonly lost: readonly LayerId[];
}

/** A head without layers that cannot be used here any more. In the place of a damaged squash come the layers that it replaced, as far as they are still sound. */
export async function withoutDamaged(
  deps: { readonly metadata: Pick<Metadata, 'squashes'>; readonly layers: LayerStore },
  { head, bad }: { readonly head: LanePlace & Pick<HeadRecord, 'layers'>; readonly bad: ReadonlySet<LayerId> },
  signal: AbortSignal,
): Promise<MendedHead> {
  const squashes = await squashesOf(deps.metadata, head, signal);
  const soundParts = async (id: LayerId): Promise<readonly LayerId[]> => {
    const sound: LayerId[] = [];
    for (const part of squashes.partsOf(id)) {
      if (part === id) continue;
      if (!bad.has(part) && (await isSound(deps.layers, part, signal))) sound.push(part);
      else sound.push(...(await soundParts(part)));
    }
    return sound;
  };
  const layers: LayerId[] = [];
  for (const id of head.layers) layers.push(...(bad.has(id) ? await soundParts(id) : [id]));
  const left = new Set(squashes.expand(layers));
  const gone = squashes.expand(head.layers).filter((id) => !left.has(id));
  const isHurt = (id: LayerId): boolean => bad.has(id) || squashes.expand([id]).some((each) => gone.includes(each));
  const hurt = squashes.records.flatMap(({ id }) => (isHurt(id) ? [id] : []));
  return { layers, lost: [...new Set([...head.layers.filter((id) => bad.has(id)), ...gone, ...hurt])] };
}

async function isSound(layers: LayerStore, id: LayerId, signal: AbortSignal): Promise<boolean> {
  try {
    return (await layers.has(id, signal)) && (await layers.verify(id, signal)).ok;
  } catch (error) {
    if (isDamage(error)) return false;
    throw error;
  }
}
