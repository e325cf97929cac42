import { existsSync, lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { CachelaneError } from '@cachelane/core';
import { isInTree } from '../links/stale-link.ts';
import { errnoOf, isMissing } from '../files/file-errors.ts';
import type { StoreFiles } from '../files/store-files.ts';
import type { Trash } from '../files/trash.ts';

/** Directories of one attached volume. */
export interface AttachmentDirs {
  readonly dir: string;
  readonly upper: string;
  readonly work: string;
  /** The lower directory of a view without layers: an overlay needs one. */
  readonly empty: string;
}

export function attachmentDirs(sessionDir: string, ordinal: number): AttachmentDirs {
  const dir = `${sessionDir}/${ordinal}`;
  return { dir, upper: `${dir}/upper`, work: `${dir}/work`, empty: `${dir}/empty` };
}

/** `realpathSync`, or a test's replacement that changes something at that moment. */
type RealPath = (path: string) => string;

/**
 * Returns the real path where the volume is mounted. Throws E_MOUNT_POINT if nothing can be mounted there, or if
 * the mount would hide the home or be inside it.
 */
export function checkTarget(target: string, home: string, realPath: RealPath = realpathSync): string {
  if (!isAbsolute(target)) throw mountPoint(target, 'is not an absolute path');
  const real = realTarget(target, realPath);
  const realHome = realpathSync(home);
  if (real === '/') throw mountPoint(target, 'is the root of the file system');
  if (holds(real, realHome)) throw mountPoint(target, `would hide the home of cachelane, ${realHome}`);
  if (holds(realHome, real)) throw mountPoint(target, `is inside the home of cachelane, ${realHome}`);
  if (isInTree(real)) throw mountPoint(target, 'is the directory of a volume, or inside one');
  return real;
}

/** Retries, because other runs create and delete the same directories. */
const looks = 8;

/** Returns the path with the symlinks of its existing part resolved. */
function realTarget(target: string, realPath: RealPath): string {
  const path = resolve(target);
  for (let look = 1; look <= looks; look++) {
    const real = realDirectory(path, target, realPath);
    if (real !== null) return real;
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) break;
    if (look === looks && stat.isSymbolicLink()) throw mountPoint(target, 'is a dangling symlink');
  }
  const parent = realTarget(dirname(path), realPath);
  return `${parent === '/' ? '' : parent}/${path.slice(path.lastIndexOf('/') + 1)}`;
}

/** Returns null if the path does not exist. */
function realDirectory(path: string, target: string, realPath: RealPath): string | null {
  try {
    const real = realPath(path);
    if (!statSync(real).isDirectory()) throw mountPoint(target, 'is not a directory');
    return real;
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT') return null;
    if (code === 'ENOTDIR') throw mountPoint(target, 'is below something that is not a directory', error);
    if (code === 'ELOOP' || code === 'EACCES') throw mountPoint(target, `cannot be reached (${code})`, error);
    throw error;
  }
}

export const defaultRootMode = 0o755;

/** Returns the mode for the volume's root: that of the covered directory, but always accessible for its owner. */
export function rootMode(target: string): number {
  const stat = statSync(target, { throwIfNoEntry: false });
  return stat === undefined ? defaultRootMode : (stat.mode & 0o1777) | 0o700;
}

/** Returns the directories that {@link makeTarget} would create now, or none for a refused target. */
export function missingDirs(target: string, home: string): readonly string[] {
  const missing: string[] = [];
  try {
    for (let path = checkTarget(target, home); !existsSync(path); path = dirname(path)) missing.unshift(path);
  } catch (error) {
    if (!(error instanceof CachelaneError) && errnoOf(error) === undefined) throw error;
  }
  return missing;
}

/**
 * Creates the target and its missing parents. Returns what was missing, outermost first. Throws E_MOUNT_POINT and
 * leaves no directories.
 */
export function makeTarget(files: StoreFiles, target: string): readonly string[] {
  const made: string[] = [];
  const make = (path: string): void => {
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return;
    make(dirname(path));
    try {
      files.makeDir(path, 0o777);
      made.push(path);
    } catch (error) {
      // Another session created the directory, so it belongs to that session.
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
  };
  try {
    make(target);
    return made;
  } catch (error) {
    removeEmptyDirs(files, made);
    if (errnoOf(error) === 'ENOSPC' || errnoOf(error) === 'EDQUOT') throw error;
    throw mountPoint(target, `cannot be created (${errnoOf(error) ?? String(error)})`, error);
  }
}

/** Removes empty directories, deepest first. Skips directories that are not empty, busy, gone or another user's. */
export function removeEmptyDirs(files: StoreFiles, dirs: readonly string[]): void {
  for (const dir of dirs.toSorted((a, b) => b.length - a.length)) {
    try {
      files.removeDir(dir);
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
    }
  }
}

/** Deletes what a mount left: usually almost nothing, deleted at once. A big upper directory goes to the trash. */
export function removeAttachment(files: StoreFiles, trash: Trash, { dir, upper, work, empty }: AttachmentDirs): void {
  try {
    emptyWork(files, work);
    for (const each of [empty, upper, work, dir]) removeDirIfThere(files, each);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    trash.discard([dir]);
  }
}

/** Deletes `work/work`, which the kernel leaves with mode 000 and with whiteouts in it. */
function emptyWork(files: StoreFiles, work: string): void {
  const inner = `${work}/work`;
  if (lstatSync(inner, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  files.setMode(inner, 0o700);
  for (const name of readdirSync(inner)) files.unlink(`${inner}/${name}`);
  files.removeDir(inner);
}

function removeDirIfThere(files: StoreFiles, dir: string): void {
  try {
    files.removeDir(dir);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function holds(dir: string, path: string): boolean {
  return path === dir || path.startsWith(`${dir}/`);
}

function mountPoint(target: string, why: string, cause?: unknown): CachelaneError {
  return new CachelaneError('E_MOUNT_POINT', `cannot attach a volume at ${target}: it ${why}`, {
    hint: 'choose another directory for the volume',
    cause,
  });
}
