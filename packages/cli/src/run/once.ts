import { invariant, type CommandOutcome, type Runtime } from '@cachelane/core';
import type { CommandPhase } from './command-phase.ts';

export type CommandEnd = Extract<CommandOutcome, { kind: 'exited' }>;

export interface OnceRuntime {
  readonly runtime: Runtime;
  /** Null until the command has ended. */
  end(): CommandEnd | null;
}

export interface OnceOptions {
  readonly phase: CommandPhase;
  /** Aborted by Ctrl-C before the command began. */
  readonly abort: AbortSignal;
  /** Whether the exit code is only that of the last typed command. */
  readonly isShell: boolean;
}

/**
 * Codes that a shell passes on from its last command: Ctrl-C, Ctrl-\\, Ctrl-Z, or a closed pipe. Signals that end the shell itself (HUP, KILL,
 * TERM) are not included.
 */
const codesOfTyped: ReadonlySet<number> = new Set([2, 3, 13, 20].map((signal) => 128 + signal));

function shellOutcome(outcome: CommandOutcome): CommandOutcome {
  if (outcome.kind !== 'exited' || outcome.receivedSignal !== null || !codesOfTyped.has(outcome.exitCode))
    return outcome;
  return { ...outcome, interrupted: false };
}

/** Tracks the command, so that it runs exactly once: after a failure before its start it can run without caches, after its end it must not. */
export function runOnce(runtime: Runtime, { phase, abort, isShell }: OnceOptions): OnceRuntime {
  let end: CommandEnd | null = null;
  return {
    end: () => end,
    runtime: {
      name: runtime.name,
      survivors: async (place) => await runtime.survivors(place),
      endSurvivors: async (place, graceMs) => await runtime.endSurvivors(place, graceMs),
      async run(request) {
        invariant(phase.state === 'not-started', 'the command is run once');
        abort.throwIfAborted();
        phase.state = 'running';
        try {
          const ended = await runtime.run(request);
          const outcome = isShell ? shellOutcome(ended) : ended;
          if (outcome.kind === 'exited') end = outcome;
          phase.state = end === null ? 'not-started' : 'ended';
          return outcome;
        } finally {
          if (phase.state === 'running') phase.state = 'lost';
        }
      },
    },
  };
}
