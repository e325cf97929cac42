import { realpathSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { limits } from '@cachelane/core';

export interface MountPointRules {
  /** Real path of the command's working directory. */
  readonly workDir: string;
  /** Real paths of the project's and the user's directories. */
  readonly projectDir: string;
  readonly homeDir: string;
  /** Real path of the store; null if it is not known. */
  readonly storeDir: string | null;
}

/**
 * Returns for each volume why its path is not allowed, or null. Of overlapping volumes the first one stays. `paths` are real paths in the
 * order of the request.
 */
export function mountPointProblems(paths: readonly string[], rules: MountPointRules): readonly (string | null)[] {
  const kept: string[] = [];
  return paths.map((path) => {
    const problem =
      lengthProblem(path) ?? placeProblem(path, rules) ?? systemProblem(path) ?? overlapProblem(path, kept);
    if (problem === null) kept.push(path);
    return problem;
  });
}

/** Checked first, because a later error would blame the store for the long path. */
function lengthProblem(path: string): string | null {
  const long = path.split(sep).find((name) => Buffer.byteLength(name) > limits.fileNameBytes);
  if (long !== undefined)
    return `a name in its path is longer than ${limits.fileNameBytes} bytes: ${long.slice(0, 40)}…`;
  // The kernel counts the terminating NUL.
  return Buffer.byteLength(path) < limits.pathBytes ? null : `its path is longer than ${limits.pathBytes - 1} bytes`;
}

function placeProblem(path: string, { workDir, projectDir, homeDir, storeDir }: MountPointRules): string | null {
  const hides = (what: string): string => `a volume at ${path} would hide ${what}`;
  if (isWithin(workDir, path)) return hides('the working directory');
  if (isWithin(projectDir, path)) return hides('the project');
  if (isInGit(path)) return `a volume at ${path} would hide the git repository`;
  if (storeDir !== null && (isWithin(path, storeDir) || isWithin(storeDir, path))) {
    return `${path} is in the store of cachelane (${storeDir})`;
  }
  // A volume over the home directory would save settings and keys.
  if (path === homeDir) return `a volume at ${path} would hide the home directory`;
  if (isWithin(homeDir, path)) return hides('the home directory');
  return null;
}

/** True for any repository: worktrees and submodules have their data below another directory's `.git`. */
function isInGit(path: string): boolean {
  return path.split(sep).includes('.git');
}

/** A volume at or above these would hide the system from the command. */
const systemDirs: readonly string[] = [
  '/bin',
  '/boot',
  '/etc',
  '/home',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/run',
  '/sbin',
  '/usr/bin',
  '/usr/lib',
  '/usr/lib64',
  '/usr/libexec',
  '/usr/local/bin',
  '/usr/local/lib',
  '/usr/sbin',
  '/usr/share',
  '/var/lib',
  '/var/log',
];

/** The kernel's directories; nothing below them can be stored. */
const kernelDirs: readonly string[] = ['/dev', '/proc', '/sys'];

function systemProblem(path: string): string | null {
  const isSystem =
    systemDirs.some((dir) => isWithin(dir, path)) ||
    kernelDirs.some((dir) => isWithin(dir, path) || isWithin(path, dir));
  return isSystem ? `${path} is or contains a system directory` : null;
}

/** Directories with only credentials. `.config` is not among them, since caches of some tools lie below it. */
const secretDirs: readonly string[] = ['.aws', '.gnupg', '.kube', '.ssh'];

/** Returns why a file in the repository may not put a volume at a real path, or null. */
export function reachProblem(path: string, { homeDir, projectDir }: Reach): string | null {
  const isInside = [homeDir, projectDir].some((dir) => path !== dir && isWithin(path, dir));
  if (!isInside) return `${path} is neither in the project nor below the home directory`;
  const isSecret = path === join(homeDir, '.config') || secretDirs.some((dir) => isWithin(path, join(homeDir, dir)));
  return isSecret ? `${path} contains credentials` : null;
}

interface Reach {
  readonly homeDir: string;
  readonly projectDir: string;
}

function overlapProblem(path: string, kept: readonly string[]): string | null {
  const other = kept.find((earlier) => isWithin(path, earlier) || isWithin(earlier, path));
  if (other === undefined) return null;
  return other === path
    ? `another volume is already at ${path}`
    : `${path} and the volume at ${other} contain each other`;
}

/** Returns whether the path is the directory or inside it. */
export function isWithin(path: string, directory: string): boolean {
  const rest = relative(directory, path);
  return rest === '' || (rest !== '..' && !rest.startsWith(`..${sep}`));
}

/** Whether a symlink leads out of the directory. */
export function leadsOut(path: string, directory: string): boolean {
  return !isWithin(realPathOf(path), realPathOf(directory));
}

/** Returns the path without symlinks as far as it exists, so that two names of one place are equal. */
export function realPathOf(path: string): string {
  const missing: string[] = [];
  for (let existing = resolve(path); ; existing = dirname(existing)) {
    try {
      return join(realpathSync(existing), ...missing);
    } catch {
      // Missing or not accessible: its parent decides.
      if (existing === dirname(existing)) return resolve(path);
      missing.unshift(basename(existing));
    }
  }
}
