import type { BytePath, Digest, LayerId } from '@cachelane/core';
import { memoryChangeSet } from './change-sets.ts';
import { layerStoreConformance } from './layer-store-conformance.ts';
import type { Damage, LayerStoreFixture } from './layer-store-fixture.ts';
import { memoryLayerDisk, openMemoryLayers } from './memory-layer-store.ts';

function harm(contents: Map<BytePath, Uint8Array> | undefined, damage: Damage): void {
  if (contents === undefined || !('path' in damage)) throw new Error('nothing to damage');
  const path = damage.path as BytePath;
  const content = contents.get(path) ?? new Uint8Array([1]);
  if (damage.kind === 'remove') contents.delete(path);
  else if (damage.kind === 'truncate') contents.set(path, content.subarray(1));
  else
    contents.set(
      path,
      content.map((byte, i) => (i === 0 ? byte ^ 1 : byte)),
    );
}

function createFixture(): Promise<LayerStoreFixture> {
  const disk = memoryLayerDisk();
  return Promise.resolve({
    open: ({ bootId = 'boot', nowMs = 0 } = {}) => openMemoryLayers({ disk, bootId, nowMs: () => nowMs }),
    changes: memoryChangeSet,
    tree: () => null,
    damage: (id: LayerId, damage) => harm(disk.layers.get(id)?.contents, damage),
    damageDerived: (key: Digest, damage) => harm(disk.derived.get(key)?.contents, damage),
    settle: (id) => {
      const layer = disk.layers.get(id);
      if (layer !== undefined) layer.isSettled = true;
      return Promise.resolve();
    },
    leftovers: () => [],
    hasIndexFiles: false,
    sharesContent: true,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}

layerStoreConformance('memory', createFixture);
