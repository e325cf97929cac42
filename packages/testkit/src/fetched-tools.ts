import { spawnSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';

export interface FetchedTool {
  /** Package of the npm registry. */
  readonly name: string;
  readonly version: string;
  /** Path of its program inside `node_modules`; for this machine, where there are several. */
  readonly program: string;
}

const fetchedDir = join(import.meta.dirname, '..', '..', '..', '.build', 'fetched');

/**
 * Path of a program of an npm package that is too large for everybody's `node_modules`: installed below `.build` by the first
 * test run that wants it, as it is published, without its scripts. Null where it cannot be had here; suites are skipped then.
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

/** What `npm ci` makes of a directory with a lockfile, without scripts. Null where it cannot be had here. */
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

/** Two test runs may want it at the same time: the first that is ready wins. */
function fetchInto(dir: string, fetch: (made: string) => boolean): void {
  mkdirSync(fetchedDir, { recursive: true });
  const made = mkdtempSync(join(fetchedDir, 'new-'));
  try {
    if (!fetch(made)) return;
    // Tests also run as an ordinary user.
    chmodSync(made, 0o755);
    renameSync(made, dir);
  } catch {
    // Somebody else was first, or there is no room: the caller looks at what is there.
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}
