import { dirname, join, resolve } from 'node:path';
import { CachelaneError, generateClient, generatedMark } from '@cachelane/core';
import { nodeFiles } from './file-reader.ts';
import { readProjectLock } from './project-lock.ts';
import type { OpenProject } from './project.ts';

const generatedFileName = 'cachelane.generated.ts';

export interface GeneratedClient {
  /** Absolute. */
  readonly path: string;
  readonly text: string;
  /** `missing`: there is no file. */
  readonly state: 'current' | 'stale' | 'missing';
  readonly catalogs: number;
}

/** What the lock gives, and whether the file has that already. `out` is relative to where the command is. Errors: E_NOT_FOUND without a lock, E_CATALOG, E_USAGE where something else has the name. */
export function generatedClient(project: OpenProject, out: string | undefined): GeneratedClient {
  const lock = readProjectLock(project);
  if (lock.digest === null) {
    throw new CachelaneError('E_NOT_FOUND', `there is no ${lock.path}`, {
      hint: 'lock what a namespace offers first: cachelane add NAMESPACE',
    });
  }
  const path = out === undefined ? besideLock(lock.path) : resolve(project.workDir, out);
  const text = generateClient(lock.catalogs);
  const before = nodeFiles.readText(path);
  if (before !== undefined && before.trim() !== '' && !before.includes(generatedMark)) {
    throw new CachelaneError('E_USAGE', `${path} is there, and cachelane generate did not write it`, {
      hint: 'remove it, or name another file with --out',
    });
  }
  const state = before === text ? 'current' : before === undefined ? 'missing' : 'stale';
  return { path, text, state, catalogs: lock.catalogs.length };
}

export function besideLock(lockPath: string): string {
  return join(dirname(lockPath), generatedFileName);
}
