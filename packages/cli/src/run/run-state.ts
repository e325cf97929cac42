import type { Context } from '@cachelane/core';
import type { Host } from '../host/host.ts';
import type { Reporter } from '../reporters/reporter.ts';
import type { WhereToRun } from '../host/working-directory.ts';
import type { CommandPhase } from './command-phase.ts';
import type { OnceRuntime } from './once.ts';
import type { RunOptions } from './run-options.ts';
import type { SignalWatch } from './signals.ts';

interface KnownVolume {
  readonly name: string;
  readonly path: string;
  /** Why this volume is left out; null if the whole run has no cache. */
  readonly leftOut: string | null;
}

/** Facts found so far, for a run that continues without a cache. */
export interface Known {
  context: Context | null;
  volumes: readonly KnownVolume[];
}

export interface Run {
  readonly options: RunOptions;
  readonly host: Host;
  readonly where: WhereToRun;
  readonly reporter: Reporter;
  readonly once: OnceRuntime;
  readonly phase: CommandPhase;
  readonly watch: SignalWatch;
  readonly known: Known;
}
