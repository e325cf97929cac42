import { lstatSync, readlinkSync, type BigIntStats } from 'node:fs';
import { isSameTime, parentPath, rootPath, type BytePath, type Entry, type LayerIndex } from '@cachelane/core';
import { errnoOf, isMissing, refused } from './file-errors.ts';
import type { FilePath } from './file-path.ts';
import { OpenAccess } from './open-access.ts';
import type { Owner, StoreFiles } from './store-files.ts';

export interface TreePlace {
  readonly files: StoreFiles;
  /** Absolute path of the tree. */
  readonly root: string;
  /** A directory of ours beside the tree, on the same file system. */
  readonly scratch: string;
  readonly owner: Owner | null;
  readonly index: LayerIndex;
}

/** Builds a layer's tree. Puts files only below real directories, never through a symlink. */
export class TreeBuilder {
  readonly place: TreePlace;
  readonly access: OpenAccess;
  readonly #directories = new Set<BytePath>([rootPath]);
  #scratchNumber = 0;

  constructor(place: TreePlace) {
    this.place = place;
    this.access = new OpenAccess(place.root, place.files);
  }

  /** Creates the directory and its parents if missing. Throws E_LAYER_REFUSED if something else is there. */
  ensureDir(path: BytePath): void {
    if (this.#directories.has(path)) return;
    this.ensureDir(parentPath(path));
    const stat = this.stat(path);
    if (stat === undefined) this.#make(path, (file) => this.place.files.makeDir(file, 0o755));
    else if (!stat.isDirectory()) throw refused(path, 'it is a directory and something else at once');
    this.#directories.add(path);
  }

  /** Creates something at an unused path. */
  create(path: BytePath, make: (file: FilePath) => void): void {
    this.ensureDir(parentPath(path));
    try {
      this.#make(path, make);
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') throw refused(path, 'two entries have this path');
      throw error;
    }
  }

  /** Throws E_LAYER_REFUSED if the path exists. For whiteouts and others that `mark` creates. */
  expectNothing(path: BytePath): void {
    this.ensureDir(parentPath(path));
    if (this.stat(path) !== undefined) throw refused(path, 'it is both removed and present');
  }

  stat(path: BytePath): BigIntStats | undefined {
    return this.access.run(path, (file) => lstatSync(file, { bigint: true, throwIfNoEntry: false }));
  }

  /** Returns a temporary path for a file that moves into or out of the tree. */
  scratchPath(): string {
    const { files, scratch, owner } = this.place;
    if (this.#scratchNumber++ === 0) {
      files.makeDir(scratch, 0o700);
      if (owner !== null) files.setOwner(scratch, owner);
    }
    return `${scratch}/${this.#scratchNumber}`;
  }

  /** Sets owner, mode and time of a new file or symlink. */
  dress(path: BytePath, entry: Entry): void {
    const { files } = this.place;
    if (entry.type === 'file') this.access.run(path, (file) => files.setMode(file, entry.mode));
    this.access.run(path, (file) => files.setTime(file, entry.mtimeNs));
  }

  /**
   * Corrects a file or symlink that a run left to match its entry. A file with several names gets its own inode
   * first, so that the change affects only this name.
   */
  adopt(entry: Entry): void {
    const { path } = entry;
    const stat = this.stat(path);
    const isSame = entry.type === 'file' ? stat?.isFile() : stat?.isSymbolicLink();
    if (stat === undefined || isSame !== true) throw refused(path, 'it changed after the run ended');
    if (stat.size !== BigInt(entry.sizeBytes)) throw refused(path, 'it changed while it was being saved');
    const { owner, files } = this.place;
    const isOurs = owner === null || (stat.uid === BigInt(owner.uid) && stat.gid === BigInt(owner.gid));
    const hasMode = entry.type !== 'file' || (Number(stat.mode) & 0o7777) === entry.mode;
    const hasTime = isSameTime(stat.mtimeNs, entry.mtimeNs);
    const mayBeCapable = entry.type === 'file' && (entry.mode & 0o111) !== 0;
    const isBare = !mayBeCapable || this.#dropCapabilities(path, stat);
    if (isOurs && hasMode && hasTime && isBare) return;
    if (stat.nlink > 1n || !isBare) {
      this.#unshare(entry);
      this.dress(path, entry);
      return;
    }
    if (!isOurs) this.access.run(path, (file) => files.setOwner(file, owner));
    // chown clears the setuid and setgid bits.
    if (entry.type === 'file' && !(hasMode && isOurs)) this.access.run(path, (file) => files.setMode(file, entry.mode));
    if (!hasTime) this.access.run(path, (file) => files.setTime(file, entry.mtimeNs));
  }

  /**
   * Sets the attributes of directories, deepest first: work below a directory changes its time, and a parent may
   * block access.
   */
  finish(directories: readonly Entry[]): void {
    const { files, owner, index } = this.place;
    for (const { path, mode, mtimeNs } of directories.toSorted((a, b) => (a.path < b.path ? 1 : -1))) {
      const stat = this.stat(path);
      if (stat?.isDirectory() !== true) throw refused(path, 'it changed after the run ended');
      this.access.run(path, (file) => {
        if (owner !== null && (stat.uid !== BigInt(owner.uid) || stat.gid !== BigInt(owner.gid))) {
          files.setOwner(file, owner);
        }
        if (!isSameTime(stat.mtimeNs, mtimeNs)) files.setTime(file, mtimeNs);
        if ((Number(stat.mode) & 0o7777) !== mode) files.setMode(file, mode);
      });
    }
    this.access.restore((path, before) => index.find(path)?.mode ?? before & 0o1777);
  }

  #make(path: BytePath, make: (file: FilePath) => void): void {
    const { files, owner } = this.place;
    this.access.run(path, make);
    if (owner !== null) this.access.run(path, (file) => files.setOwner(file, owner));
  }

  /**
   * Drops file capabilities, which Node cannot see: any chown removes them, even to the same owner. Returns false
   * without permission.
   */
  #dropCapabilities(path: BytePath, { uid, gid }: BigIntStats): boolean {
    try {
      const same = { uid: Number(uid), gid: Number(gid) };
      this.access.run(path, (file) => this.place.files.setOwner(file, same));
      return true;
    } catch (error) {
      if (errnoOf(error) !== 'EPERM') throw error;
      return false;
    }
  }

  #unshare({ path, type }: Entry): void {
    const { files, owner } = this.place;
    const copy = this.scratchPath();
    this.access.run(path, (file) => {
      if (type === 'file') files.copy(file, copy);
      else files.symlink(readlinkSync(file, 'buffer'), copy);
    });
    if (owner !== null) files.setOwner(copy, owner);
    this.access.run(path, (file) => files.rename(copy, file));
  }
}

/** Removes a file or link. Does nothing if it is missing. */
export function unlinkIfThere(files: StoreFiles, file: FilePath): void {
  try {
    files.unlink(file);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
