import { CachelaneError, leadsOut, type BytePath, type Mount, type SeedFiles, type SeedNote } from '@cachelane/core';
import type { MemoryVolume } from '../mounter/memory-volume.ts';
import type { VolumeStep } from '../mounter/volume-steps.ts';

export interface MemorySeedFilesOptions {
  /** Steps of each directory, by absolute path. Tests may change them between calls. */
  readonly directories?: ReadonlyMap<string, readonly VolumeStep[]> | undefined;
  /** Files of the simulated machine. */
  readonly files?: readonly string[];
  /** Notes of the store; shared by engines of one store. */
  readonly notes?: Map<string, SeedNote> | undefined;
  readonly volume: (mount: Mount) => Pick<MemoryVolume, 'run'>;
}

/** Seed directories in memory. Nothing in them is recent. */
export function memorySeedFiles({
  directories = new Map(),
  files = [],
  notes = new Map(),
  volume,
}: MemorySeedFilesOptions): SeedFiles {
  const stepsOf = async (dir: string, signal: AbortSignal): Promise<readonly VolumeStep[]> => {
    await Promise.resolve();
    if (signal.aborted) throw new CachelaneError('E_ABORTED', 'stopped on request', { cause: signal.reason });
    const steps = directories.get(dir);
    if (steps !== undefined) return steps;
    if (files.includes(dir)) throw new CachelaneError('E_USAGE', `${dir} is not a directory`);
    throw new CachelaneError('E_NOT_FOUND', `there is no directory ${dir}`);
  };
  return {
    async look(dir, signal) {
      const steps = await stepsOf(dir, signal);
      return { path: dir, stamp: JSON.stringify(steps), changedAtMs: 0, sizeBytes: sizeOf(steps) };
    },
    async copy(dir, { into, maxBytes }, signal) {
      const steps = await stepsOf(dir, signal);
      if (sizeOf(steps) > maxBytes) throw new CachelaneError('E_QUOTA', `${dir} grew beyond the limit of a seed`);
      const kept = steps.filter(isKept);
      volume(into).run(kept);
      return { leftOut: steps.length - kept.length };
    },
    noted: async (key) => await Promise.resolve(notes.get(key) ?? null),
    note: async (key, note) => {
      notes.set(key, note);
      await Promise.resolve();
    },
  };
}

/** Total size of files that are written once. */
function sizeOf(steps: readonly VolumeStep[]): number {
  const sizes = steps.map((step) => (step.do === 'write' ? step.content.length : 0));
  return sizes.reduce((sum, size) => sum + size, 0);
}

function isKept(step: VolumeStep): boolean {
  return step.do !== 'fifo' && !(step.do === 'symlink' && leadsOut(step.path as BytePath, step.target));
}
