import { spawnSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';

export interface FetchedTool {
  /** Name of the npm package. */
  readonly name: string;
  readonly version: string;
  /** Path of its program inside `node_modules`, for this machine. */
  readonly program: string;
}

const fetchedDir = join(import.meta.dirname, '..', '..', '..', '.build', 'fetched');

/**
 * Returns the path of a program of an npm package that is too large for `node_modules`, or null if unavailable. The first test run installs
 * it below `.build`, without its scripts.
 */
export function fetchTool({ name, version, program }: FetchedTool): string | null {
  const dir = join(fetchedDir, `${name.replaceAll('/', '+')}-${version}`);
  const path = join(dir, 'node_modules', program);
  if (!existsSync(dir)) fetchInto(dir, (made) => npm(made, ['install', '--no-save', `${name}@${version}`]));
  return existsSync(path) ? path : null;
}

export interface FetchedProject {
  /** `_cacache`, as npm left it. */
  readonly cacheDir: string;
  readonly modulesDir: string;
}

/** Runs `npm ci` without scripts for a directory with a lockfile. Returns null if unavailable. */
export function fetchProject(project: string): FetchedProject | null {
  const lockfile = join(project, 'package-lock.json');
  const dir = join(fetchedDir, `${basename(project)}-${hash('sha256', readFileSync(lockfile)).slice(0, 16)}`);
  if (!existsSync(dir)) {
    fetchInto(dir, (made) => {
      for (const name of ['package.json', 'package-lock.json']) copyFileSync(join(project, name), join(made, name));
      return npm(made, ['ci', '--cache', join(made, 'cache')]);
    });
  }
  if (!existsSync(dir)) return null;
  return { cacheDir: join(dir, 'cache', '_cacache'), modulesDir: join(dir, 'node_modules') };
}

function npm(prefix: string, args: readonly string[]): boolean {
  const options = ['--prefix', prefix, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  return spawnSync('npm', [...args, ...options], { stdio: 'ignore', timeout: 100_000 }).status === 0;
}

/** If two test runs fetch at once, the first that is ready wins. */
function fetchInto(dir: string, fetch: (made: string) => boolean): void {
  mkdirSync(fetchedDir, { recursive: true });
  const made = mkdtempSync(join(fetchedDir, 'new-'));
  try {
    if (!fetch(made)) return;
    // Tests also run as an ordinary user.
    chmodSync(made, 0o755);
    renameSync(made, dir);
  } catch {
    // Another test run was first, or the disk is full; the caller checks.
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}
