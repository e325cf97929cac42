import { realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { CachelaneError } from '@cachelane/core';
import type { Host } from './host.ts';

export interface WhereToRun {
  /** Real path. */
  readonly dir: string;
  /** Named by `-C`, so the caller's `PWD` differs. */
  readonly isChosen: boolean;
  /** Set if the directory was removed. A command can run there, but nothing else works. */
  readonly problem: CachelaneError | null;
}

/** `named` is the option's name for messages. Throws E_USAGE for a missing directory. */
export function whereToRun(host: Host, directory: string | undefined, named = '-C'): WhereToRun {
  let current: string;
  try {
    current = host.cwd();
  } catch (cause) {
    const problem = new CachelaneError('E_NOT_FOUND', 'the working directory no longer exists', { cause });
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
