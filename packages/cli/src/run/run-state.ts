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
  /** Why it alone is left out; null where it shares the fate of the run. */
  readonly leftOut: string | null;
}

/** What became known on the way, for a run that then goes on without a cache. */
export interface Known {
  context: Context | null;
  volumes: readonly KnownVolume[];
}

/** One run on its way. */
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
