import { type LaneName, type LayerId, type LayerRecord, type VolumeId } from '@cachelane/core';
import { headKey, type HeadKey, type MemoryState } from './memory-state.ts';

/** Records that a lane names these layers. */
export function holdLayers({ holders }: MemoryState, key: HeadKey, ids: Iterable<LayerId>): void {
  holders.set(key, new Set([...(holders.get(key) ?? []), ...ids]));
}

/** Releases layers that a lane no longer names; squashes from before `squashedFromMs` do not count. */
export function settleLane(state: MemoryState, key: HeadKey, squashedFromMs = 0): void {
  const history = state.history.get(key) ?? [];
  const squashes = state.squashes.get(key) ?? [];
  const named = new Set([
    ...(state.heads.get(key)?.layers ?? []),
    ...history.flatMap(({ layers, layer }) => (layer === null ? layers : [...layers, layer])),
    ...squashes.filter(({ atMs }) => atMs >= squashedFromMs).flatMap(({ layers }) => layers),
  ]);
  keepOnly(state, key, (id) => named.has(id));
}

/** Releases everything of one lane, or of all. */
export function letGo(state: MemoryState, volumeId: VolumeId, lane: LaneName | null): void {
  for (const key of state.holders.keys()) {
    if (lane === null ? key.startsWith(`${volumeId} `) : key === headKey(volumeId, lane)) {
      keepOnly(state, key, () => false);
    }
  }
}

function keepOnly(state: MemoryState, key: HeadKey, isKept: (id: LayerId) => boolean): void {
  const held = [...(state.holders.get(key) ?? [])];
  const left = held.filter(isKept);
  if (left.length === 0) state.holders.delete(key);
  else state.holders.set(key, new Set(left));
  loosen(
    state,
    held.filter((id) => !isKept(id)),
  );
}

/** Marks layers without a holder as loose. */
export function loosen(state: MemoryState, ids: Iterable<LayerId>): void {
  for (const id of ids) if (!isHeld(state, id)) state.loose.add(id);
}

/** Records a layer unless it is known; without a holder it is loose. */
export function recordLayer(state: MemoryState, record: LayerRecord): void {
  if (state.layers.has(record.id)) return;
  state.layers.set(record.id, record);
  loosen(state, [record.id]);
}

/** Forgets a layer, so that a later commit with it is refused. */
export function forgetLayer(state: MemoryState, id: LayerId, atMs: number): void {
  state.layers.delete(id);
  state.forgotten.set(id, atMs);
}

export function isHeld({ holders }: MemoryState, id: LayerId): boolean {
  return [...holders.values()].some((held) => held.has(id));
}
