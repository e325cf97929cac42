import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CachelaneError } from '@cachelane/core';

export interface Seed {
  /** A directory, or an archive that tar reads. */
  readonly from: string;
  /** Where the cache lies for its tool: an archive may hold it at the end of a longer path. */
  readonly target: string;
  readonly homeDir: string;
  readonly signal: AbortSignal;
}

/** Fills an empty directory. Errors: E_COMMAND with what tar or cp says. */
export async function seedInto(dir: string, { from, target, homeDir, signal }: Seed): Promise<void> {
  if (statSync(from).isDirectory()) {
    await run(['cp', '-a', '--no-preserve=ownership', `${from}/.`, dir], signal);
    return;
  }
  const staging = join(homeDir, 'staging');
  mkdirSync(staging, { recursive: true, mode: 0o700 });
  const unpacked = mkdtempSync(join(staging, 'seed-'));
  try {
    // tar refuses `..`, takes leading slashes off, and makes links that lead out only when all else is there.
    await run(['tar', '--no-same-owner', '-xf', from, '-C', unpacked], signal);
    const root = cacheIn(unpacked, target);
    for (const name of readdirSync(root)) renameSync(join(root, name), join(dir, name));
  } finally {
    rmSync(unpacked, { recursive: true, force: true });
  }
}

/** How far below its top an archive may hold the cache: a home directory and what leads to it. */
const depthMax = 6;

/** The directory that ends as the target does, by as many names as can be found; the top where there is none. */
function cacheIn(top: string, target: string): string {
  const names = target.split('/').filter((name) => name !== '');
  const all = directoriesIn(top, depthMax);
  for (let count = names.length; count > 0; count--) {
    const end = `/${names.slice(-count).join('/')}`;
    const found = all.filter((dir) => dir.endsWith(end));
    if (found[0] !== undefined) return `${top}${found[0]}`;
  }
  return top;
}

/** Paths below the top, each with a slash before it, the shortest first. */
function directoriesIn(top: string, depth: number): readonly string[] {
  const found: string[] = [];
  let level = [''];
  for (let down = 0; down < depth && level.length > 0 && found.length < 10_000; down++) {
    level = level.flatMap((dir) =>
      readdirSync(top + dir, { withFileTypes: true }).flatMap((entry) =>
        entry.isDirectory() ? [`${dir}/${entry.name}`] : [],
      ),
    );
    found.push(...level.slice(0, 10_000));
  }
  return found;
}

async function run([program = '', ...args]: readonly string[], signal: AbortSignal): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], signal });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  }).catch((error: unknown) => {
    if (signal.aborted) throw new CachelaneError('E_ABORTED', 'stopped on request', { cause: error });
    throw new CachelaneError('E_COMMAND', `${program} could not be started`, { cause: error });
  });
  if (code === 0) return;
  const last = said.trim().split('\n').at(-1) ?? '';
  throw new CachelaneError('E_COMMAND', `${program}: ${last === '' ? `exit code ${code}` : last}`);
}
