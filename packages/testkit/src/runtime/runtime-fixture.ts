import type { Mount, NodeSignal, Runtime } from '@cachelane/core';

type Argv = readonly string[];

/** Commands that every runtime can run, in its own words. */
export interface FixtureCommands {
  exits(exitCode: number): Argv;
  /** Ends itself by a signal. */
  diesOf(signal: NodeSignal): Argv;
  /** Makes a file where the volume is mounted. */
  writes(mount: Mount, file: string): Argv;
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
  leaseFile(): string;
  /** What commands left in the upper directory. */
  files(mount: Mount): readonly string[];
  /** Sends a signal to us alone, never to the command. */
  signalUs(signal: NodeSignal): void;
  /** Resolves when the condition holds; looks again as time passes. */
  until(holds: () => boolean): Promise<void>;
}

export type RuntimeFactory = () => Promise<RuntimeFixture>;
