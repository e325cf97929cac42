import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

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
  if (!existsSync(dir)) install(`${name}@${version}`, dir);
  return existsSync(path) ? path : null;
}

/** Two test runs may want it at the same time: the first that is ready wins. */
function install(wanted: string, dir: string): void {
  mkdirSync(fetchedDir, { recursive: true });
  const made = mkdtempSync(join(fetchedDir, 'new-'));
  const options = ['--prefix', made, '--ignore-scripts', '--no-audit', '--no-fund', '--no-save', '--loglevel=error'];
  try {
    const { status } = spawnSync('npm', ['install', ...options, wanted], { stdio: 'ignore', timeout: 100_000 });
    if (status !== 0) return;
    // Tests also run as an ordinary user.
    chmodSync(made, 0o755);
    renameSync(made, dir);
  } catch {
    // Somebody else was first, or there is no room: the caller looks at what is there.
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}
