import type { ToolEnvironment } from '@cachelane/core';
import { pathsOf } from './paths.ts';

/**
 * Returns the directory whose `.npmrc` npm reads: the nearest one with a manifest or installed packages, or the root of its workspace.
 * Without one, returns the working directory. (@npmcli/config, loadLocalPrefix)
 */
export function projectDirOf(environment: ToolEnvironment): string {
  const { join, relative, sep } = pathsOf(environment);
  const dirs = directoriesUp(environment);
  const nearest = dirs.findIndex(
    (dir) =>
      environment.readText(join(dir, 'package.json')) !== undefined ||
      environment.readText(join(dir, 'node_modules', '.package-lock.json')) !== undefined,
  );
  const project = dirs[nearest];
  if (project === undefined) return environment.workDir;
  const root = dirs.slice(nearest + 1).find((dir) => {
    const globs = workspaceGlobs(environment.readText(join(dir, 'package.json')));
    return isMember(relative(dir, project).replaceAll(sep, '/'), globs);
  });
  return root ?? project;
}

/** Returns the working directory and its parents, nearest first. */
export function directoriesUp(environment: ToolEnvironment): readonly string[] {
  const { dirname } = pathsOf(environment);
  const dirs = [environment.workDir];
  for (let dir = dirname(environment.workDir); dir !== dirs.at(-1); dir = dirname(dir)) dirs.push(dir);
  return dirs;
}

/** Returns the nearest directory with a package.json, or the working directory. */
export function manifestDirOf(environment: ToolEnvironment): string {
  const { join } = pathsOf(environment);
  const hasManifest = (dir: string): boolean => environment.readText(join(dir, 'package.json')) !== undefined;
  return directoriesUp(environment).find(hasManifest) ?? environment.workDir;
}

function workspaceGlobs(manifest: string | undefined): readonly string[] {
  try {
    const parsed: unknown = JSON.parse(manifest ?? '{}');
    const { workspaces } = Object(parsed) as { workspaces?: unknown };
    const globs: unknown = Array.isArray(workspaces)
      ? workspaces
      : (Object(workspaces) as { packages?: unknown }).packages;
    return Array.isArray(globs) ? globs.filter((glob) => typeof glob === 'string') : [];
  } catch {
    return [];
  }
}

/** Later globs win; `!` excludes members. */
function isMember(path: string, globs: readonly string[]): boolean {
  return globs.reduce((member, glob) => {
    const excludes = glob.startsWith('!');
    return globPattern(excludes ? glob.slice(1) : glob).test(path) ? !excludes : member;
  }, false);
}

// Not `path.matchesGlob`: its first call takes 12 ms.

/** Returns a pattern for the `*` and `**` of a workspace glob, with and without `./` before and `/` after it. */
function globPattern(glob: string): RegExp {
  const plain = glob.replace(/^\.?\/+/, '').replace(/\/+$/, '');
  const source = plain.replace(/\*\*\/?|\*|[^*]+/g, (part) => {
    if (part === '*') return '[^/]+';
    return part.startsWith('**') ? '(?:.+/)?' : RegExp.escape(part);
  });
  return new RegExp(`^${source.endsWith('(?:.+/)?') ? source.replace(/\(\?:\.\+\/\)\?$/, '.+') : source}$`);
}
