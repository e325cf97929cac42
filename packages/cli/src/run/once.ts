import { invariant, type CommandOutcome, type Runtime } from '@cachelane/core';
import type { CommandPhase } from './command-phase.ts';

export type CommandEnd = Extract<CommandOutcome, { kind: 'exited' }>;

export interface OnceRuntime {
  readonly runtime: Runtime;
  /** Null while the command has not ended. */
  end(): CommandEnd | null;
}

export interface OnceOptions {
  readonly phase: CommandPhase;
  /** Whoever pressed Ctrl-C before the command began does not want it any more. */
  readonly abort: AbortSignal;
  /** Its exit code is that of the last thing typed. */
  readonly isShell: boolean;
}

/**
 * What a shell that ended by itself can pass on: the last command met Ctrl-C, Ctrl-\ or Ctrl-Z, or a pipe that nobody read. What
 * ends a shell itself (HUP, KILL, TERM) is not among them.
 */
const codesOfTyped: ReadonlySet<number> = new Set([2, 3, 13, 20].map((signal) => 128 + signal));

function shellOutcome(outcome: CommandOutcome): CommandOutcome {
  if (outcome.kind !== 'exited' || outcome.receivedSignal !== null || !codesOfTyped.has(outcome.exitCode))
    return outcome;
  return { ...outcome, interrupted: false };
}

/**
 * Keeps book of the user's command, so that whatever fails around it, it runs exactly once: a failure before its start
 * can be answered by running it bare, one after its end must not be.
 */
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
