import type { AttachedVolume, LayerStore, Mounter } from '@cachelane/core';
import type { SeenVolume, VolumeStep } from './volume-steps.ts';

/** A mounter with a store for one test. */
export interface MounterFixture extends AsyncDisposable {
  readonly layers: LayerStore;
  readonly mounter: Mounter;
  /** A host directory for targets, with a file `file` and an empty directory `existing`. */
  readonly targets: string;
  /** Whether the host has a directory at this path. */
  hasDirectory(path: string): boolean;
  /** Mounts the volume and runs the steps; rejects if one fails. */
  run(volume: AttachedVolume, steps: readonly VolumeStep[]): Promise<void>;
  /** Mounts the volume and reads all of it. Unreadable files show no content. */
  look(volume: AttachedVolume): Promise<SeenVolume>;
  /** Leftovers of attached volumes in the home; expected to be empty. */
  leftovers(): readonly string[];
}

export type MounterFactory = () => Promise<MounterFixture>;
