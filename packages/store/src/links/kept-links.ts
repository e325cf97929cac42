import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf } from '../files/file-errors.ts';
import { namesIn } from '../files/read-file.ts';
import type { StoreFiles } from '../files/store-files.ts';
import { unlinkIfThere } from '../files/tree-builder.ts';
import { isOurs } from './place-near.ts';
import { readJson } from '../slots/slot-files.ts';

// Symlinks to a kept directory, at the places of caches. Each is noted beside the directory, with the empty directory that it took the
// place of, before anything is changed: whoever finds nobody at work there any more, after a kill too, makes it as it was.

interface LinkNote {
  /** Absolute, without symlinks but for the last part. */
  readonly path: string;
  /** What stood there; null: nothing. */
  readonly gaveWay: DirectoryBefore | null;
}

interface DirectoryBefore {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Where a symlink at the path leads; null where there is none. */
export function linkAt(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

/**
 * Makes the symlink, where nothing is or an empty directory. Throws what the file system throws, having changed
 * nothing.
 */
export function layLink(files: StoreFiles, path: string, tree: string): void {
  const name = nameOf(path);
  mkdirSync(notesOf(tree), { recursive: true, mode: 0o700 });
  // One who died may have left its note.
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

/** Takes the symlinks away that lead to a kept directory; empty directories that were there before are there again. */
export function takeBackLinks(files: StoreFiles, tree: string): void {
  for (const name of namesIn(notesOf(tree))) takeBack(files, tree, name);
}

/**
 * Takes the symlink at one path away. Its note counts only where nobody else can have written it, and where it is about
 * this path.
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
      // Somebody else has the place, or took away what leads to it: it is theirs.
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
  // A umask takes bits away, and a change of owner does.
  if ((lstatSync(path).mode & 0o7777) !== before.mode) files.setMode(path, before.mode);
}

function nameOf(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 24);
}

const notesOf = (tree: string): string => `${dirname(tree)}/links`;

/** Null for one that was not finished: nothing was changed then. */
