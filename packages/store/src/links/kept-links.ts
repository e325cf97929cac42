import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf } from '../files/file-errors.ts';
import { namesIn } from '../files/read-file.ts';
import type { StoreFiles } from '../files/store-files.ts';
import { unlinkIfThere } from '../files/tree-builder.ts';
import { isOurs } from './place-near.ts';
import { readJson } from '../slots/slot-files.ts';

// Symlinks to kept directories at the places of caches. A note beside the kept directory records each link, and the
// empty directory that it replaced, before the change. If the run dies, the next process that finds the directory
// unused restores the place.

interface LinkNote {
  /** An absolute path. Only its last part may be a symlink. */
  readonly path: string;
  /** The directory that the link replaced, or null. */
  readonly gaveWay: DirectoryBefore | null;
}

interface DirectoryBefore {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Returns the target of the symlink at the path, or null without one. */
export function linkAt(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

/**
 * Creates the symlink at an unused path or in place of an empty directory. Throws file-system errors and leaves the
 * place unchanged.
 */
export function layLink(files: StoreFiles, path: string, tree: string): void {
  const name = nameOf(path);
  mkdirSync(notesOf(tree), { recursive: true, mode: 0o700 });
  // A run that died may have left its note.
  takeBack(files, tree, name);
  const stat = lstatSync(path, { throwIfNoEntry: false });
  const gaveWay = stat === undefined ? null : { mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid };
  const note: LinkNote = { path, gaveWay };
  files.write(`${notesOf(tree)}/${name}`, Buffer.from(JSON.stringify(note)));
  try {
    if (gaveWay !== null) files.removeDir(path);
    files.symlink(Buffer.from(tree), path);
  } catch (error) {
    if (errnoOf(error) !== undefined) takeBack(files, tree, name);
    throw error;
  }
}

export function hasLinks(tree: string): boolean {
  return namesIn(notesOf(tree)).length > 0;
}

/** Removes the symlinks to a kept directory and restores the empty directories they replaced. */
export function takeBackLinks(files: StoreFiles, tree: string): void {
  for (const name of namesIn(notesOf(tree))) takeBack(files, tree, name);
}

/**
 * Removes the symlink at one path. Its note counts only if no other user can have written it, and if it names this
 * path.
 */
export function takeBackLink(files: StoreFiles, tree: string, path: string): void {
  if (isOurs(notesOf(tree)) && readJson<LinkNote>(`${notesOf(tree)}/${nameOf(path)}`)?.path === path) {
    takeBack(files, tree, nameOf(path));
  }
}

function takeBack(files: StoreFiles, tree: string, name: string): void {
  const file = `${notesOf(tree)}/${name}`;
  const note = readJson<LinkNote>(file);
  if (note !== null) {
    try {
      if (linkAt(note.path) === tree) files.unlink(note.path);
      if (note.gaveWay !== null) makeAsBefore(files, note.path, note.gaveWay);
    } catch (error) {
      // Another process uses the place or deleted its parent. Leave it.
      if (errnoOf(error) === undefined) throw error;
    }
  }
  unlinkIfThere(files, file);
}

function makeAsBefore(files: StoreFiles, path: string, before: DirectoryBefore): void {
  files.makeDir(path, before.mode);
  const made = lstatSync(path);
  if (made.uid !== before.uid || made.gid !== before.gid) {
    try {
      files.setOwner(path, before);
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
    }
  }
  // The umask and chown remove mode bits.
  if ((lstatSync(path).mode & 0o7777) !== before.mode) files.setMode(path, before.mode);
}

function nameOf(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 24);
}

const notesOf = (tree: string): string => `${dirname(tree)}/links`;

/** Returns null for an unfinished note, which precedes any change. */
