import type { AttachedVolume, LayerStore, Mounter } from '@cachelane/core';
import type { SeenVolume, VolumeStep } from './volume-steps.ts';

/** A mounter with a store for one test. */
export interface MounterFixture extends AsyncDisposable {
  readonly layers: LayerStore;
  readonly mounter: Mounter;
  /** A directory of the host for targets. It holds a file named `file` and an empty directory `existing`. */
  readonly targets: string;
  /** Whether the host has a directory at this path. */
  hasDirectory(path: string): boolean;
  /** Mounts the volume and does what a command would do; rejects when a step fails. */
  run(volume: AttachedVolume, steps: readonly VolumeStep[]): Promise<void>;
  /** Mounts the volume and looks at all of it. Files that the user may not read show no content. */
  look(volume: AttachedVolume): Promise<SeenVolume>;
  /** What attached volumes left behind in the home, for an assertion that it is nothing. */
  leftovers(): readonly string[];
}

export type MounterFactory = () => Promise<MounterFixture>;
