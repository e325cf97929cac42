import { delimiter, isAbsolute, parse } from 'node:path';
import type { Host } from '../host/host.ts';
import { isWithin, realPathOf } from '../base/mount-points.ts';
import type { OpenProject } from '../context/project.ts';
import type { ToolReach } from '../context/tool-environment.ts';

/**
 * Returns how a confined session detects tools: it runs no program of its directory and reads no settings outside it. Otherwise a confined
 * program could run code as the engine's user (a version manager's file, `node_modules/.bin`), or read that user's environment and
 * files (`cache=/x/${TOKEN}`, a symlink).
 */
export function confinedReach({ env }: Pick<Host, 'env'>, { topDir }: Pick<OpenProject, 'topDir'>): ToolReach {
  const ofProject = realPathOf(topDir);
  const isOurs = (path: string): boolean =>
    isAbsolute(path) && !isWithin(path, ofProject) && !isWithin(realPathOf(path), ofProject);
  const found = (env['PATH'] ?? '').split(delimiter).filter(isOurs);
  return {
    // Programs see the engine's environment.
    programs: { cwd: parse(ofProject).root, env: { ...env, PATH: found.join(delimiter) } },
    mayRead: isOurs,
  };
}
