import { openMemoryLayers } from '../layers/memory-layer-store.ts';
import { mounterConformance } from './mounter-conformance.ts';
import type { MounterFixture } from './mounter-fixture.ts';
import { openMemoryMounter } from './memory-mounter.ts';

function createFixture(): Promise<MounterFixture> {
  const targets = '/host';
  const mounter = openMemoryMounter({ hostDirs: [targets, `${targets}/existing`], hostFiles: [`${targets}/file`] });
  return Promise.resolve({
    layers: openMemoryLayers(),
    mounter,
    targets,
    hasDirectory: (path) => mounter.hostDirs.has(path),
    run: async ({ mount }, steps) => mounter.volume(mount).run(steps),
    look: async ({ mount }) => mounter.volume(mount).look(),
    leftovers: () => (mounter.attachedCount === 0 ? [] : ['an attached volume']),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}

mounterConformance('memory', createFixture, { randomRuns: 300 });
