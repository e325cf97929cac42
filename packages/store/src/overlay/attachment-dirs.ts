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
  /** Stands for a view without layers: an overlay needs something below. */
  readonly empty: string;
}

export function attachmentDirs(sessionDir: string, ordinal: number): AttachmentDirs {
  const dir = `${sessionDir}/${ordinal}`;
  return { dir, upper: `${dir}/upper`, work: `${dir}/work`, empty: `${dir}/empty` };
}

/** `realpathSync`, or what a test puts in its place to change things at that moment. */
type RealPath = (path: string) => string;

/**
 * Where the volume is mounted: the real path of `target`. Throws E_MOUNT_POINT where nothing can be mounted, or where the
 * mount would hide the home or lie in it.
 */
export function checkTarget(target: string, home: string, realPath: RealPath = realpathSync): string {
  if (!isAbsolute(target)) throw mountPoint(target, 'is not an absolute path');
  const real = realTarget(target, realPath);
  const realHome = realpathSync(home);
  if (real === '/') throw mountPoint(target, 'is the root of the file system');
  if (holds(real, realHome)) throw mountPoint(target, `would hide the home of cachelane, ${realHome}`);
  if (holds(realHome, real)) throw mountPoint(target, `lies inside the home of cachelane, ${realHome}`);
  if (isInTree(real)) throw mountPoint(target, 'is the directory of a volume, or lies in it');
  return real;
}

/** Other runs make and remove the same directories at any moment: what was missing just now may be there already. */
const looks = 8;

/** With every symlink of what exists resolved; what does not exist yet is taken as written. */
function realTarget(target: string, realPath: RealPath): string {
  const path = resolve(target);
  for (let look = 1; look <= looks; look++) {
    const real = realDirectory(path, target, realPath);
    if (real !== null) return real;
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) break;
    if (look === looks && stat.isSymbolicLink()) throw mountPoint(target, 'is a symlink that leads nowhere');
  }
  const parent = realTarget(dirname(path), realPath);
  return `${parent === '/' ? '' : parent}/${path.slice(path.lastIndexOf('/') + 1)}`;
}

/** Null where nothing was found. */
function realDirectory(path: string, target: string, realPath: RealPath): string | null {
  try {
    const real = realPath(path);
    if (!statSync(real).isDirectory()) throw mountPoint(target, 'is not a directory');
    return real;
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT') return null;
    if (code === 'ENOTDIR') throw mountPoint(target, 'lies below something that is not a directory', error);
    if (code === 'ELOOP' || code === 'EACCES') throw mountPoint(target, `cannot be reached (${code})`, error);
    throw error;
  }
}

export const defaultRootMode = 0o755;

/** Mode for the volume's root: what the directory has that the mount covers, but never one that shuts its owner out. */
export function rootMode(target: string): number {
  const stat = statSync(target, { throwIfNoEntry: false });
  return stat === undefined ? defaultRootMode : (stat.mode & 0o1777) | 0o700;
}

/** What {@link makeTarget} would make at this moment; nothing for a target that is refused. */
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
 * Makes the target and what leads to it; returns what was missing, outermost first. Throws E_MOUNT_POINT, having made
 * nothing.
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
      // Another session makes the same directories at this moment: then they are that one's.
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
  };
  try {
    make(target);
    return made;
  } catch (error) {
    removeEmptyDirs(files, made);
    if (errnoOf(error) === 'ENOSPC' || errnoOf(error) === 'EDQUOT') throw error;
    throw mountPoint(target, `cannot be made (${errnoOf(error) ?? String(error)})`, error);
  }
}

/** Deepest first; skips what is not empty, busy, not ours or gone. */
export function removeEmptyDirs(files: StoreFiles, dirs: readonly string[]): void {
  for (const dir of dirs.toSorted((a, b) => b.length - a.length)) {
    try {
      files.removeDir(dir);
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
    }
  }
}

/**
 * Removes what a mount left. Nearly always next to nothing, which goes at once; a big upper directory goes to the
 * trash.
 */
export function removeAttachment(files: StoreFiles, trash: Trash, { dir, upper, work, empty }: AttachmentDirs): void {
  try {
    emptyWork(files, work);
    for (const each of [empty, upper, work, dir]) removeDirIfThere(files, each);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    trash.discard([dir]);
  }
}

/** The kernel leaves `work/work` with mode 000, and whiteouts in it. */
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
  return new CachelaneError('E_MOUNT_POINT', `no volume can be attached at ${target}: it ${why}`, {
    hint: 'choose another directory for the volume',
    cause,
  });
}
