import { realpathSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { limits } from '@cachelane/core';

export interface MountPointRules {
  /** Real path of the directory that the command runs in. */
  readonly workDir: string;
  /** Real paths of the project's and the user's directories. */
  readonly projectDir: string;
  readonly homeDir: string;
  /** Real path of our own store; null where it is not known. */
  readonly storeDir: string | null;
}

/**
 * Says why each volume may not lie where it is to lie, or null. Of volumes that would hide each other the first one
 * asked for stays. `paths` are real paths, in the order in which the volumes were asked for.
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

/** Told before anything is made: later it would look as if the store had the long path. */
function lengthProblem(path: string): string | null {
  const long = path.split(sep).find((name) => Buffer.byteLength(name) > limits.fileNameBytes);
  if (long !== undefined)
    return `a name in its path is longer than ${limits.fileNameBytes} bytes: ${long.slice(0, 40)}…`;
  // The kernel counts the byte that ends it.
  return Buffer.byteLength(path) < limits.pathBytes ? null : `its path is longer than ${limits.pathBytes - 1} bytes`;
}

function placeProblem(path: string, { workDir, projectDir, homeDir, storeDir }: MountPointRules): string | null {
  const hides = (what: string): string => `${path} holds ${what}, a volume there would hide it`;
  if (isWithin(workDir, path)) return hides('the directory that the command runs in');
  if (isWithin(projectDir, path)) return hides('the project');
  if (isInGit(path)) return `${path} is git's own, a volume there would hide the repository from it`;
  if (storeDir !== null && (isWithin(path, storeDir) || isWithin(storeDir, path))) {
    return `${path} is where cachelane itself keeps its volumes (${storeDir})`;
  }
  // Settings, keys and all: nobody means that, and a run that adds a file there would save it.
  if (path === homeDir) return `${path} is the home directory, a volume there would hide it`;
  if (isWithin(homeDir, path)) return hides('the home directory');
  return null;
}

/** Of whatever repository: that of a worktree or a submodule lies below the `.git` of another directory. */
function isInGit(path: string): boolean {
  return path.split(sep).includes('.git');
}

/** A volume here, or above, would leave the command without its system. */
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

/** What the kernel shows there is no directory to keep, however deep. */
const kernelDirs: readonly string[] = ['/dev', '/proc', '/sys'];

function systemProblem(path: string): string | null {
  const isSystem =
    systemDirs.some((dir) => isWithin(dir, path)) ||
    kernelDirs.some((dir) => isWithin(dir, path) || isWithin(path, dir));
  return isSystem ? `${path} is a directory of the system, or holds one` : null;
}

/** Credentials and nothing else; `.config` holds those of many tools, but caches of others lie deeper in it. */
const secretDirs: readonly string[] = ['.aws', '.gnupg', '.kube', '.ssh'];

/** Why a file in the repository may not put a volume there, or null. All are real paths. */
export function reachProblem(path: string, { homeDir, projectDir }: Reach): string | null {
  const isInside = [homeDir, projectDir].some((dir) => path !== dir && isWithin(path, dir));
  if (!isInside) return `${path} lies neither in the project nor below the home directory`;
  const isSecret = path === join(homeDir, '.config') || secretDirs.some((dir) => isWithin(path, join(homeDir, dir)));
  return isSecret ? `${path} is where credentials are kept` : null;
}

interface Reach {
  readonly homeDir: string;
  readonly projectDir: string;
}

function overlapProblem(path: string, kept: readonly string[]): string | null {
  const other = kept.find((earlier) => isWithin(path, earlier) || isWithin(earlier, path));
  if (other === undefined) return null;
  return other === path
    ? `another volume lies at ${path} already`
    : `${path} and the volume at ${other} lie one in the other`;
}

/** True for the directory itself as well. */
export function isWithin(path: string, directory: string): boolean {
  const rest = relative(directory, path);
  return rest === '' || (rest !== '..' && !rest.startsWith(`..${sep}`));
}

/** By a symlink. */
export function leadsOut(path: string, directory: string): boolean {
  return !isWithin(realPathOf(path), realPathOf(directory));
}

/** The path without symlinks as far as it exists: two names of one place are one place. */
export function realPathOf(path: string): string {
  const missing: string[] = [];
  for (let existing = resolve(path); ; existing = dirname(existing)) {
    try {
      return join(realpathSync(existing), ...missing);
    } catch {
      // Missing, or not ours to look at: then the one above decides.
      if (existing === dirname(existing)) return resolve(path);
      missing.unshift(basename(existing));
    }
  }
}
