import { delimiter, isAbsolute, parse } from 'node:path';
import type { Host } from '../host/host.ts';
import { isWithin, realPathOf } from '../base/mount-points.ts';
import type { OpenProject } from '../context/project.ts';
import type { ToolReach } from '../context/tool-environment.ts';

/**
 * What a confined session makes of how tools are set: nothing that its directory says. A confined program would have its own programs run by what it leaves there (a version manager's file, one below `node_modules/.bin`), as the
 * engine's user; and be told what that user may read: by settings in which tools put variables of the environment (`cache=/x/${TOKEN}`), or that are a symlink to somebody's file.
 */
export function confinedReach({ env }: Pick<Host, 'env'>, { topDir }: Pick<OpenProject, 'topDir'>): ToolReach {
  const ofProject = realPathOf(topDir);
  const isOurs = (path: string): boolean =>
    isAbsolute(path) && !isWithin(path, ofProject) && !isWithin(realPathOf(path), ofProject);
  const found = (env['PATH'] ?? '').split(delimiter).filter(isOurs);
  return {
    // The engine's own.
    programs: { cwd: parse(ofProject).root, env: { ...env, PATH: found.join(delimiter) } },
    mayRead: isOurs,
  };
}
