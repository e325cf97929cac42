import type { ChosenWay } from '../host/pieces.ts';
import { platformName } from '../platforms/platforms.ts';
import { wishOf } from '../base/wish.ts';

export interface MountWayFacts {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isRoot: boolean;
  /** Why sudo cannot be had without a password, null where it can. Asked only where the answer counts: it takes milliseconds. */
  readonly sudoProblem: () => string | null;
}

/**
 * What makes a run's mounts. bubblewrap keeps setuid programs from gaining rights, so `sudo` fails in the command; people
 * rarely need it there, jobs of hosted CI often. Only the environment can ask for sudo: a file in a repository must not
 * have its commands started by root.
 */
export function chooseMountWay({ env, isRoot, sudoProblem }: MountWayFacts): ChosenWay {
  const wish = wishOf(env['CACHELANE_SUDO']);
  if (wish === 'no') return { way: 'bubblewrap', why: 'CACHELANE_SUDO says so' };
  const platform = platformName(env);
  // Root's `sudo` works behind bubblewrap as well.
  if (wish === null && isRoot) return { way: 'bubblewrap', why: 'root needs no sudo' };
  if (wish === null && platform === null)
    return { way: 'bubblewrap', why: 'no CI system seen, and CACHELANE_SUDO is not set' };
  const asked = wish === 'yes' ? 'CACHELANE_SUDO says so' : `this is ${platform ?? 'CI'}, whose jobs may use sudo`;
  const problem = sudoProblem();
  return problem === null ? { way: 'sudo', why: asked } : { way: 'bubblewrap', why: `${asked}, but ${problem}` };
}
