import { invariant, type Runtime } from '@cachelane/core';
import type { HeldSignal } from '../chain/chain.ts';
import { imagesOf } from '../chain/image-stage.ts';
import { notStarted } from '../system/outcomes.ts';
import { runBare } from './run-bare.ts';
import { runInPlace } from './run-in-place.ts';
import { runMounted } from './run-mounted.ts';
import { runWithSudo } from './run-sudo.ts';
import { endSurvivors, findSurvivors } from '../signals/survivors.ts';

/** The program that mounts. */
export type MountWay = 'bubblewrap' | 'sudo';

export interface ProcessRuntimeOptions {
  /** The PATH for env, nice, flock and bwrap. */
  readonly path: string;
  /** Descriptors for the command's stdin, stdout and stderr; by default this process's. */
  readonly stdio?: readonly [number, number, number];
  /**
   * Signals that were ignored when this process started (`nohup`, `&` in a script), for the command. Node resets them at start, so only its
   * launcher knows: see {@link ignoredSignals}.
   */
  readonly ignored?: readonly HeldSignal[];
  /** By default bubblewrap. With `sudo`, root mounts, and setuid programs keep working. Called when something is to be mounted. */
  readonly mountWith?: () => MountWay;
  /** Why images must not be mounted; display text. Left out: they are mounted. */
  readonly noImages?: string;
}

/**
 * Runs commands as local processes: with mounts through bubblewrap (no daemon, no root) or sudo, otherwise as a plain child. The command
 * keeps its terminal, job control, directory, environment and descriptors 0 to 2. Differences: its own mounts stay private; with bubblewrap
 * setuid programs gain no rights; with sudo other descriptors are closed, and `use_pty` gives it a new terminal.
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
