import { attach } from '../mounter/conformance-helpers.ts';
import { openMemoryLayers } from '../layers/memory-layer-store.ts';
import { openMemoryMounter } from '../mounter/memory-mounter.ts';
import type { VolumeStep } from '../mounter/volume-steps.ts';
import { memorySeedFiles } from './memory-seed-files.ts';
import { seedFilesConformance } from './seed-files-conformance.ts';

seedFilesConformance('memory', async () => {
  const mounter = openMemoryMounter();
  const directories = new Map<string, readonly VolumeStep[]>();
  const volume = mounter.volume.bind(mounter);
  await Promise.resolve();
  const fixture = {
    mounter,
    layers: openMemoryLayers(),
    targets: '/machine',
    hasDirectory: () => true,
    run: async () => await Promise.resolve(),
    look: async () => await Promise.resolve(new Map()),
    leftovers: () => [],
    [Symbol.asyncDispose]: async () => await Promise.resolve(),
  };
  return {
    seeds: memorySeedFiles({ directories, files: ['/machine/file'], volume }),
    directory(steps) {
      directories.set('/machine/seed', steps);
      return '/machine/seed';
    },
    file: '/machine/file',
    missing: '/machine/none',
    attach: async () => await attach(fixture),
    look: async ({ mount }) => await Promise.resolve(mounter.volume(mount).look()),
    [Symbol.asyncDispose]: async () => await Promise.resolve(),
  };
});
