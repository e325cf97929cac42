import { delimiter, isAbsolute, parse } from 'node:path';
import type { Host } from '../host.ts';
import { isWithin, realPathOf } from '../mount-points.ts';
import type { ProgramPlace } from '../program-version.ts';
import type { OpenProject } from '../project.ts';

/**
 * How the engine starts programs for a confined session: as its own, from no directory of the project. What a confined program leaves in its directory (a version manager's file, a program below `node_modules/.bin`), or says
 * in its environment, would else run as the engine's user, with what that may read.
 */
export function enginePrograms({ env }: Pick<Host, 'env'>, { topDir }: Pick<OpenProject, 'topDir'>): ProgramPlace {
  const ofProject = realPathOf(topDir);
  const isOurs = (path: string): boolean => isAbsolute(path) && !isWithin(realPathOf(path), ofProject);
  const found = (env['PATH'] ?? '').split(delimiter).filter(isOurs);
  return { cwd: parse(ofProject).root, env: { ...env, PATH: found.join(delimiter) } };
}
