import { type LaneName, type LayerId, type LayerRecord, type VolumeId } from '@cachelane/core';
import { headKey, type HeadKey, type MemoryState } from './memory-state.ts';

/** The lane names them from now on. */
export function holdLayers({ holders }: MemoryState, key: HeadKey, ids: Iterable<LayerId>): void {
  holders.set(key, new Set([...(holders.get(key) ?? []), ...ids]));
}

/** After what a lane names became less; squashes from before `squashedFromMs` do not count. */
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

/** Of one lane, or of all: nothing is named any more. */
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

/** Loose are those that no lane holds. */
export function loosen(state: MemoryState, ids: Iterable<LayerId>): void {
  for (const id of ids) if (!isHeld(state, id)) state.loose.add(id);
}

/** One that is known stays as it is; one that no lane holds is loose. */
export function recordLayer(state: MemoryState, record: LayerRecord): void {
  if (state.layers.has(record.id)) return;
  state.layers.set(record.id, record);
  loosen(state, [record.id]);
}

/** Whoever was about to name it is refused. */
export function forgetLayer(state: MemoryState, id: LayerId, atMs: number): void {
  state.layers.delete(id);
  state.forgotten.set(id, atMs);
}

export function isHeld({ holders }: MemoryState, id: LayerId): boolean {
  return [...holders.values()].some((held) => held.has(id));
}
