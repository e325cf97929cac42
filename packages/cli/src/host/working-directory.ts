import { realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { CachelaneError } from '@cachelane/core';
import type { Host } from './host.ts';

export interface WhereToRun {
  /** Real path. */
  readonly dir: string;
  /** Named by `-C`, so the caller's own `PWD` is another one. */
  readonly isChosen: boolean;
  /** Set where the directory was removed under us: a command can still run there, and nothing can be found out about it. */
  readonly problem: CachelaneError | null;
}

/** `named`: by what the directory was said. Throws E_USAGE for one that is no directory. */
export function whereToRun(host: Host, directory: string | undefined, named = '-C'): WhereToRun {
  let current: string;
  try {
    current = host.cwd();
  } catch (cause) {
    const problem = new CachelaneError('E_NOT_FOUND', 'the working directory does not exist any more', { cause });
    if (directory === undefined) return { dir: '/proc/self/cwd', isChosen: false, problem };
    current = '/';
  }
  if (directory === undefined) return { dir: current, isChosen: false, problem: null };
  const dir = resolve(current, directory);
  if (isDirectory(dir)) return { dir: realpathSync(dir), isChosen: true, problem: null };
  throw new CachelaneError('E_USAGE', `${named} ${JSON.stringify(directory)}: there is no such directory`);
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
