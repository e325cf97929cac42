import type { LayerImage, Mount, NodeSignal, OverlayMount, Runtime } from '@cachelane/core';

type Argv = readonly string[];

/** Commands that every runtime can run, in its own form. */
export interface FixtureCommands {
  exits(exitCode: number): Argv;
  /** Ends itself by a signal. */
  diesOf(signal: NodeSignal): Argv;
  /** Creates a file in the volume. */
  writes(mount: Mount, file: string): Argv;
  /** Exits with 0 if the file is in the volume, otherwise with 1. */
  finds(mount: Mount, file: string): Argv;
  /** Exits with 0 and leaves a process of this name (one word, at most 15 letters) that this signal ends. */
  leaves(name: string, endedBy: 'TERM' | 'KILL'): Argv;
  /** Creates the file `waiting` in the volume and waits for ever; TERM ends it. */
  waits(mount: Mount): Argv;
  /** Creates the file `waiting` and waits; exits with 0 on the signal. */
  obeys(mount: Mount, signal: NodeSignal): Argv;
  /** A program that does not exist. */
  readonly missing: Argv;
}

/** A runtime for one test. */
export interface RuntimeFixture extends AsyncDisposable {
  readonly runtime: Runtime;
  readonly commands: FixtureCommands;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Returns a new volume each time. */
  mount(): Mount;
  /** A volume that cannot be mounted. */
  brokenMount(): Mount;
  /** A volume whose only layer is an image with the file `kept`; null if the runtime has no overlays or images cannot be made. */
  imageMount(): OverlayMount | null;
  /** Whether this runtime can mount images. */
  readonly mountsImages: boolean;
  /** Whether a layer's image is mounted for other processes too. */
  isMountedForAll(image: LayerImage): boolean;
  leaseFile(): string;
  /** Files in the upper directory. */
  files(mount: Mount): readonly string[];
  /** Signals this process only, not the command. */
  signalUs(signal: NodeSignal): void;
  /** Resolves when the condition holds. */
  until(holds: () => boolean): Promise<void>;
}

export type RuntimeFactory = () => Promise<RuntimeFixture>;
