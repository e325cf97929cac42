import type { HeadRecord, LayerId, LayerRecord, LayerStore, Metadata, RunId } from '@cachelane/core';
import { isDamage } from '../base/is-damage.ts';
import { type LanePlace, isRecordedHere, squashesOf } from './known-squashes.ts';
import { namesRun } from './without-run.ts';

export interface TakingApart {
  readonly head: LanePlace & Pick<HeadRecord, 'layers'>;
  readonly runs: ReadonlySet<RunId>;
  /** Layers with content here; the caller commits their records with the new head. */
  readonly fetched?: readonly LayerRecord[];
}

/**
 * Returns a head's layers, top first, so that no layer mixes the runs' changes with others. Opens each squash that has changes of the runs,
 * as far as its parts are here. Other squashes stay.
 */
export async function takeApart(
  deps: { readonly metadata: Pick<Metadata, 'squashes' | 'layer'>; readonly layers: LayerStore },
  { head, runs, fetched = [] }: TakingApart,
  signal: AbortSignal,
): Promise<readonly LayerId[]> {
  const squashes = await squashesOf(deps.metadata, head, signal);
  const isFetched = new Set(fetched.map(({ id }) => id));
  const takes = new Map<LayerId, boolean>();
  /** The runs may appear only in the parts, if the squash hides their changes. */
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
  // A head may name a squash and its part, for example after an import.
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
