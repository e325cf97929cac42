import { invariant, type Runtime } from '@cachelane/core';
import type { HeldSignal } from './chain.ts';
import { runBare } from './run-bare.ts';
import { runInPlace } from './run-in-place.ts';
import { runMounted } from './run-mounted.ts';
import { endSurvivors, findSurvivors } from './survivors.ts';

export interface ProcessRuntimeOptions {
  /** Our own PATH, where env, nice, flock and bwrap are looked for. */
  readonly path: string;
  /** Descriptors that become the command's stdin, stdout and stderr; ours by default. */
  readonly stdio?: readonly [number, number, number];
  /**
   * Signals that were ignored when we were started (`nohup`, `&` in a script) and that the command is to find so.
   * Node resets them before our first line, so only who starts Node can know: see {@link ignoredSignals}.
   */
  readonly ignored?: readonly HeldSignal[];
}

/**
 * Runs commands as local processes: with overlays behind bubblewrap, which needs no daemon and no root, without as a plain
 * child. The command keeps its terminal, job control, folder, environment and descriptors 0 to 2; what bubblewrap takes
 * away all the same: setuid programs do not gain rights, and what the command mounts is its own.
 */
export function processRuntime({ path, stdio = [0, 1, 2], ignored = [] }: ProcessRuntimeOptions): Runtime {
  const options = { path, stdio, ignored };
  return {
    name: 'process',
    async run(request) {
      invariant(request.argv.length > 0, 'a command has a name');
      if (request.mounts.length === 0) return await runBare(request, options);
      const isMounted = request.mounts.some((mount) => mount.kind === 'overlay' || mount.bind);
      return await (isMounted ? runMounted : runInPlace)(request, options);
    },
    survivors: async (place) => findSurvivors(place),
    endSurvivors: async (place, graceMs) => await endSurvivors(place, graceMs),
  };
}
