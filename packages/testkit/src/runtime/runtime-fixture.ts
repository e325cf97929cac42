import type { LayerImage, Mount, NodeSignal, OverlayMount, Runtime } from '@cachelane/core';

type Argv = readonly string[];

/** Commands that every runtime can run, in its own words. */
export interface FixtureCommands {
  exits(exitCode: number): Argv;
  /** Ends itself by a signal. */
  diesOf(signal: NodeSignal): Argv;
  /** Makes a file where the volume is mounted. */
  writes(mount: Mount, file: string): Argv;
  /** Ends with 0 when the file is there where the volume is mounted, with 1 when it is not. */
  finds(mount: Mount, file: string): Argv;
  /** Ends well, and leaves a process of this name (one word, at most 15 letters) that takes this much to end. */
  leaves(name: string, endedBy: 'TERM' | 'KILL'): Argv;
  /** Makes the file `waiting` where the volume is mounted and then waits for ever; TERM and the like end it. */
  waits(mount: Mount): Argv;
  /** Makes the file `waiting` and waits; ends well when it gets the signal. */
  obeys(mount: Mount, signal: NodeSignal): Argv;
  /** There is no such program. */
  readonly missing: Argv;
}

/** A runtime for one test. */
export interface RuntimeFixture extends AsyncDisposable {
  readonly runtime: Runtime;
  readonly commands: FixtureCommands;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** A volume of its own each time. */
  mount(): Mount;
  /** One that cannot be mounted. */
  brokenMount(): Mount;
  /** One whose only layer is an image with the file `kept`; null where a runtime mounts no overlays, or no image can be made. */
  imageMount(): OverlayMount | null;
  /** Whether this runtime can mount images. */
  readonly mountsImages: boolean;
  /** Where a layer's image is mounted for a command, as others find the directory. */
  isMountedForAll(image: LayerImage): boolean;
  leaseFile(): string;
  /** What commands left in the upper directory. */
  files(mount: Mount): readonly string[];
  /** Sends a signal to us alone, never to the command. */
  signalUs(signal: NodeSignal): void;
  /** Resolves when the condition holds; looks again as time passes. */
  until(holds: () => boolean): Promise<void>;
}

export type RuntimeFactory = () => Promise<RuntimeFixture>;
