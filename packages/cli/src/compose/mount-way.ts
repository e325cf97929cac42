import type { ChosenWay } from '../host/pieces.ts';
import { platformName } from '../platforms/platforms.ts';
import { wishOf } from '../base/wish.ts';

export interface MountWayFacts {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isRoot: boolean;
  /** Returns why sudo needs a password, or null. Called only if needed, since it takes milliseconds. */
  readonly sudoProblem: () => string | null;
}

/**
 * Chooses how a run's mounts are made. bubblewrap blocks setuid programs, so `sudo` fails in the command; hosted CI jobs often need it. Only
 * the environment can choose sudo, since a repository must not get its commands started by root.
 */
export function chooseMountWay({ env, isRoot, sudoProblem }: MountWayFacts): ChosenWay {
  const wish = wishOf(env['CACHELANE_SUDO']);
  if (wish === 'no') return { way: 'bubblewrap', why: 'CACHELANE_SUDO is off' };
  const platform = platformName(env);
  // For root, `sudo` also works in bubblewrap.
  if (wish === null && isRoot) return { way: 'bubblewrap', why: 'root needs no sudo' };
  if (wish === null && platform === null)
    return { way: 'bubblewrap', why: 'no CI system was detected, and CACHELANE_SUDO is not set' };
  const asked = wish === 'yes' ? 'CACHELANE_SUDO is on' : `this is ${platform ?? 'CI'}, whose jobs may use sudo`;
  const problem = sudoProblem();
  return problem === null ? { way: 'sudo', why: asked } : { way: 'bubblewrap', why: `${asked}, but ${problem}` };
}
