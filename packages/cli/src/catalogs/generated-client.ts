import { dirname, join, resolve } from 'node:path';
import { CachelaneError, generateClient, generatedMark } from '@cachelane/core';
import { nodeFiles } from '../base/file-reader.ts';
import { readProjectLock } from '../context/project-lock.ts';
import type { OpenProject } from '../context/project.ts';

const generatedFileName = 'cachelane.generated.ts';

interface LineDifference {
  /** From 1. */
  readonly line: number;
  /** Null if the line does not exist. */
  readonly has: string | null;
  readonly wanted: string | null;
}

export interface GeneratedClient {
  readonly path: string;
  readonly text: string;
  /** `missing`: the file does not exist. */
  readonly state: 'current' | 'stale' | 'missing';
  /** For a stale file: the first line that differs. */
  readonly difference: LineDifference | null;
  readonly catalogs: number;
}

/**
 * Returns the client generated from the lock and compares it with the file. `out` is relative to the working directory. Errors:
 * E_NOT_FOUND without a lock, E_CATALOG, E_USAGE if another file has the name.
 */
export function generatedClient(project: OpenProject, out: string | undefined): GeneratedClient {
  const lock = readProjectLock(project);
  if (lock.digest === null) {
    throw new CachelaneError('E_NOT_FOUND', `there is no ${lock.path}`, {
      hint: 'lock a catalog first: cachelane add NAMESPACE',
    });
  }
  const path = out === undefined ? besideLock(lock.path) : resolve(project.workDir, out);
  const text = generateClient(lock.catalogs);
  const before = nodeFiles.readText(path);
  if (before !== undefined && before.trim() !== '' && !before.includes(generatedMark)) {
    throw new CachelaneError('E_USAGE', `${path} exists, and cachelane generate did not write it`, {
      hint: 'remove it, or choose another file with --output',
    });
  }
  const state = before === text ? 'current' : before === undefined ? 'missing' : 'stale';
  const difference = before === undefined ? null : firstDifference(before, text);
  return { path, text, state, difference, catalogs: lock.catalogs.length };
}

function firstDifference(before: string, text: string): LineDifference | null {
  if (before === text) return null;
  const [has, wanted] = [before.split('\n'), text.split('\n')];
  const index = Array.from({ length: Math.max(has.length, wanted.length) }).findIndex(
    (_, at) => has[at] !== wanted[at],
  );
  return { line: index + 1, has: has[index] ?? null, wanted: wanted[index] ?? null };
}

export function besideLock(lockPath: string): string {
  return join(dirname(lockPath), generatedFileName);
}
