import { join } from 'node:path';
import {
  CachelaneError,
  digestOf,
  lockFileName,
  lockHint,
  parseLock,
  type Digest,
  type LockedCatalog,
} from '@cachelane/core';
import { nearestFile } from './find-project.ts';
import type { OpenProject } from './project.ts';
import { replaceFile } from '../base/replace-file.ts';

/** A project's cachelane.lock. */
export interface ProjectLock {
  /** Absolute, even if the file does not exist. */
  readonly path: string;
  /** Null if the file does not exist. */
  readonly digest: Digest | null;
  readonly catalogs: readonly LockedCatalog[];
}

type LockedProject = Pick<OpenProject, 'projectDir' | 'topDir' | 'files'>;

/** Several times the size of the largest catalogs. */
const lockBytesMax = 16_777_216;

/** Returns the nearest cachelane.lock from the project up to the root of its repository. Errors: E_CATALOG for an invalid file. */
export function readProjectLock({ projectDir: directory, topDir: top, files }: LockedProject): ProjectLock {
  const path = nearestFile({ directory, top, name: lockFileName }, files);
  if (path === null) return { path: join(directory, lockFileName), digest: null, catalogs: [] };
  const text = files.readText(path, lockBytesMax);
  if (text === undefined) {
    throw new CachelaneError('E_CATALOG', `${path} cannot be read, or is larger than ${lockBytesMax} bytes`, {
      hint: lockHint,
    });
  }
  return { path, ...parsed(text) };
}

type Parsed = Pick<ProjectLock, 'catalogs'> & { readonly digest: Digest };

/** Number of cached locks. An engine checks each project once a second. */
const parsedKept = 16;
const known = new Map<Digest, Parsed>();

function parsed(text: string): Parsed {
  const digest = digestOf(text);
  const found = known.get(digest) ?? { digest, catalogs: parseLock(text, lockFileName) };
  known.delete(digest);
  known.set(digest, found);
  const [oldest] = known.keys();
  if (known.size > parsedKept && oldest !== undefined) known.delete(oldest);
  return found;
}

/** Errors: E_USAGE if the file cannot be written. */
export function writeBeside(path: string, text: string): void {
  try {
    replaceFile(path, text);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new CachelaneError('E_USAGE', `cannot write ${path} (${code})`, { cause });
  }
}
