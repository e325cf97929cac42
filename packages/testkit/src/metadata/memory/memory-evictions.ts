import type { Eviction, LaneName, OpenVolume, VolumeId } from '@cachelane/core';
import { namespaceNamed, type MemoryState } from './memory-state.ts';

export function isOf(eviction: Eviction, name: string, lane: LaneName): boolean {
  return eviction.volume === name && eviction.lane === lane;
}

/** Returns the eviction of the nearest lane that had contents. */
export function evictionOf(state: MemoryState, volume: OpenVolume): Eviction | null {
  for (const { namespace, lane } of volume.chain) {
    const paths = namespaceNamed(state, namespace)?.record.paths ?? [];
    const found = state.evictions.find(
      (each) =>
        isOf(each, volume.name, lane) &&
        sameFields(each.compat, volume.compat) &&
        (each.namespace === namespace || paths.includes(each.namespace)),
    );
    if (found !== undefined) return found;
  }
  return null;
}

/** Forgets a lane's eviction once it has a head again. */
export function forgetEviction(state: MemoryState, volumeId: VolumeId, lane: LaneName): void {
  const volume = state.volumes.get(volumeId);
  if (volume === undefined) return;
  const paths = state.namespaces.get(volume.namespaceId)?.record.paths ?? [];
  const left = state.evictions.filter(
    (each) =>
      !(isOf(each, volume.name, lane) && sameFields(each.compat, volume.compat) && paths.includes(each.namespace)),
  );
  state.evictions.splice(0, state.evictions.length, ...left);
}

function sameFields(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
