import { invariant, type Runtime } from '@cachelane/core';
import type { HeldSignal } from '../chain/chain.ts';
import { imagesOf } from '../chain/image-stage.ts';
import { notStarted } from '../system/outcomes.ts';
import { runBare } from './run-bare.ts';
import { runInPlace } from './run-in-place.ts';
import { runMounted } from './run-mounted.ts';
import { runWithSudo } from './run-sudo.ts';
import { endSurvivors, findSurvivors } from '../signals/survivors.ts';

/** What makes the mounts. */
export type MountWay = 'bubblewrap' | 'sudo';

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
  /**
   * bubblewrap by default. With `sudo`, root makes the mounts, and setuid programs gain rights as they do without us. Asked
   * when something is to be mounted.
   */
  readonly mountWith?: () => MountWay;
  /** Why images of layers are not to be mounted, for people, where somebody wants none; else they are. */
  readonly noImages?: string;
}

/**
 * Runs commands as local processes: with mounts behind bubblewrap, which needs no daemon and no root, or behind sudo;
 * without as a plain child. The command keeps its terminal, job control, folder, environment and descriptors 0 to 2. What
 * is taken away all the same: what the command mounts is its own; behind bubblewrap setuid programs do not gain rights;
 * behind sudo other descriptors are closed, and where its rules say `use_pty` a command in a terminal gets one of its own.
 */
export function processRuntime({
  path,
  stdio = [0, 1, 2],
  ignored = [],
  mountWith,
  noImages,
}: ProcessRuntimeOptions): Runtime {
  const options = { path, stdio, ignored };
  return {
    name: 'process',
    async run(request) {
      invariant(request.argv.length > 0, 'a command has a name');
      if (request.mounts.length === 0) return await runBare(request, options);
      if (!request.mounts.some((mount) => mount.kind === 'overlay' || mount.bind))
        return await runInPlace(request, options);
      if (noImages !== undefined && imagesOf(request.mounts).length > 0) return notStarted(noImages);
      return mountWith?.() === 'sudo' ? await runWithSudo(request, options) : await runMounted(request, options);
    },
    survivors: async (place) => findSurvivors(place),
    endSurvivors: async (place, graceMs) => await endSurvivors(place, graceMs),
  };
}
