import type { HeadRecord, LayerId, LayerRecord, LayerStore, Metadata, RunId } from '@cachelane/core';
import { isDamage } from '../base/is-damage.ts';
import { type LanePlace, isRecordedHere, squashesOf } from './known-squashes.ts';
import { namesRun } from './without-run.ts';

export interface TakingApart {
  readonly head: LanePlace & Pick<HeadRecord, 'layers'>;
  readonly runs: ReadonlySet<RunId>;
  /** Layers whose content is here and whose records the caller commits with the new head. */
  readonly fetched?: readonly LayerRecord[];
}

/**
 * The layers of a head, top first, so that what the runs made lies in none together with what others made, as far as the layers that squashes replaced are still here: those come
 * in the place of each squash that one of them has a part in. Of others, and of what is beyond the window, the squash stays.
 */
export async function takeApart(
  deps: { readonly metadata: Pick<Metadata, 'squashes' | 'layer'>; readonly layers: LayerStore },
  { head, runs, fetched = [] }: TakingApart,
  signal: AbortSignal,
): Promise<readonly LayerId[]> {
  const squashes = await squashesOf(deps.metadata, head, signal);
  const isFetched = new Set(fetched.map(({ id }) => id));
  const takes = new Map<LayerId, boolean>();
  /** They may have a part in what a squash replaced, and none of what the squash shows. */
  const hasPart = async (id: LayerId): Promise<boolean> => {
    const known = takes.get(id);
    if (known !== undefined) return known;
    takes.set(id, false);
    let has = await namesRunIn(deps.layers, { id, runs }, signal);
    for (const part of squashes.partsOf(id)) has ||= await hasPart(part);
    takes.set(id, has);
    return has;
  };
  const open = async (id: LayerId): Promise<readonly LayerId[]> => {
    const parts = squashes.partsOf(id);
    if (parts.length === 0 || parts.includes(id) || !(await hasPart(id))) return [id];
    for (const part of parts) if (!isFetched.has(part) && !(await isRecordedHere(deps, part, signal))) return [id];
    const opened: LayerId[] = [];
    for (const part of parts) opened.push(...(await open(part)));
    return opened;
  };
  const layers: LayerId[] = [];
  for (const id of head.layers) layers.push(...(await open(id)));
  // A head may name a squash and what it replaced, as where an export brought one of them.
  return [...new Set(layers)];
}

export async function namesRunIn(
  layers: LayerStore,
  { id, runs }: { readonly id: LayerId; readonly runs: ReadonlySet<RunId> },
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return namesRun((await layers.open(id, signal)).index, runs);
  } catch (error) {
    if (isDamage(error)) return false;
    throw error;
  }
}
