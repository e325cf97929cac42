import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  futimesSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { CachelaneError, childPath, displayPath, limits, parentPath, type BytePath, leadsOut } from '@cachelane/core';
import { errnoOf, fromSystem, throwIfAborted } from '../files/file-errors.ts';
import { byteNames, filePath, type FilePath } from '../files/file-path.ts';
import { secondsOf } from '../files/store-files.ts';
import type { ArchiveMember } from './archive-member.ts';
import { PathNotes } from './path-notes.ts';

type About = Pick<ArchiveMember, 'mode' | 'mtimeNs'>;
type Link = Pick<ArchiveMember, 'linkName' | 'mtimeNs'>;

/** Minimum mode bits: we cannot save what we cannot read. */
const fileBits = 0o400;
const dirBits = 0o500;
const ownBits = 0o1777;
const givesWayAfter = 500;

/**
 * Writes members into an empty directory of ours. Symlinks are made last, so no name leads through one.
 * Of two files with one name, the later one stays. A name that is both a directory and something else is refused.
 */
export class MemberTree {
  readonly #dir: string;
  readonly #links = new PathNotes<Link>();
  readonly #dirs = new PathNotes<About>();
  readonly #maxDirs: number;
  #made = 0;
  #finished = 0;

  /** `maxDirs` also counts directories that members only imply. */
  constructor(dir: string, { maxDirs = limits.incomingEntries }: { readonly maxDirs?: number } = {}) {
    this.#dir = dir;
    this.#maxDirs = maxDirs;
  }

  addDir(path: BytePath, about: About): void {
    this.#requireTime(path, about);
    this.#dirs.set(path, about);
    this.#makeDir(path);
  }

  async addFile(
    path: BytePath,
    { mode, mtimeNs, data }: Pick<ArchiveMember, 'mode' | 'mtimeNs' | 'data'>,
  ): Promise<void> {
    this.#requireTime(path, { mtimeNs });
    const descriptor = this.#make(path, (file) =>
      openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600),
    );
    try {
      for await (const part of data) {
        for (let at = 0; at < part.length;) at += writeSync(descriptor, part, at);
      }
      const seconds = secondsOf(mtimeNs);
      fchmodSync(descriptor, (mode & ownBits) | fileBits);
      futimesSync(descriptor, seconds, seconds);
    } catch (error) {
      throw fromSystem(error, `writing ${displayPath(path)}`);
    } finally {
      closeSync(descriptor);
    }
  }

  addSymlink(path: BytePath, link: Link): void {
    this.#requireTime(path, link);
    if (link.linkName === '' || link.linkName.length > limits.symlinkTargetBytes) {
      throw refusedMember(path, 'is a symlink with an invalid target');
    }
    // A placeholder file keeps the name until the symlink is made at the end.
    this.#make(path, (file) =>
      closeSync(openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)),
    );
    unlinkSync(filePath(this.#dir, path));
    this.#links.set(path, link);
  }

  /** Adds another name for a file of this tree. Returns false if there is no such file. */
  addHardLink(path: BytePath, to: BytePath): boolean {
    const link = this.#links.get(to);
    if (link !== undefined) {
      if (path !== to) this.addSymlink(path, link);
      return true;
    }
    const from = filePath(this.#dir, to);
    if (lstatSync(from, { throwIfNoEntry: false })?.isFile() !== true) return false;
    if (path !== to) this.linkFrom(path, from);
    return true;
  }

  /** Links a file of ours on the same file system. */
  linkFrom(path: BytePath, file: FilePath): void {
    this.#make(path, (name) => linkSync(file, name));
  }

  /** Removes a path with everything below it. The tree has no symlinks yet, so nothing outside is reached. */
  async remove(path: BytePath): Promise<void> {
    this.#requireNoLinkAbove(path);
    for (const notes of [this.#links, this.#dirs]) {
      notes.deleteBelow(path);
      notes.delete(path);
    }
    const file = filePath(this.#dir, path);
    const stat = lstatSync(file, { throwIfNoEntry: false });
    if (stat?.isDirectory() === true) await rm(file, { recursive: true });
    else if (stat !== undefined) unlinkSync(file);
  }

  /** Removes everything below a path. */
  async empty(path: BytePath): Promise<void> {
    this.#requireNoLinkAbove(path);
    for (const notes of [this.#links, this.#dirs]) notes.deleteBelow(path);
    const dir = filePath(this.#dir, path);
    if (lstatSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true) return;
    for (const name of await readdir(dir, byteNames)) {
      await rm(filePath(this.#dir, childPath(path, name)), { recursive: true });
    }
  }

  /** Removes what a later member replaces: a non-directory before a directory, and a directory before a file. */
  async removeUnless(kind: 'dir' | 'file', path: BytePath): Promise<void> {
    const stat = lstatSync(filePath(this.#dir, path), { throwIfNoEntry: false });
    const isDir = stat === undefined ? null : stat.isDirectory();
    const isLink = this.#links.get(path) !== undefined;
    if (isLink ? kind === 'dir' : isDir !== null && isDir !== (kind === 'dir')) await this.remove(path);
  }

  /**
   * Makes the symlinks and sets directory modes. Returns the number of symlinks skipped because they lead out of the
   * tree.
   */
  async finish(signal?: AbortSignal): Promise<number> {
    let leftOut = 0;
    for (const [path, { linkName, mtimeNs }] of this.#links.entries()) {
      await this.#giveWay(signal);
      if (leadsOut(path, linkName)) {
        leftOut += 1;
        continue;
      }
      const file = filePath(this.#dir, path);
      const seconds = secondsOf(mtimeNs);
      try {
        symlinkSync(Buffer.from(linkName, 'latin1'), file);
        lutimesSync(file, seconds, seconds);
      } catch (error) {
        throw errnoOf(error) === 'EEXIST' ? clash(path) : fromSystem(error, `writing ${displayPath(path)}`);
      }
    }
    // Children first: a directory may become unwritable, and changes inside it change its time.
    for (const [path, { mode, mtimeNs }] of [...this.#dirs.entries()].toReversed()) {
      await this.#giveWay(signal);
      const file = filePath(this.#dir, path);
      const seconds = secondsOf(mtimeNs);
      utimesSync(file, seconds, seconds);
      chmodSync(file, (mode & ownBits) | dirBits);
    }
    return leftOut;
  }

  /** Yields to the event loop now and then: there may be a million paths. */
  async #giveWay(signal: AbortSignal | undefined): Promise<void> {
    if (++this.#finished % givesWayAfter !== 0) return;
    await turn();
    if (signal !== undefined) throwIfAborted(signal);
  }

  /** Makes a file with its parent directories. Replaces a file of the same name. */
  #make<T>(path: BytePath, make: (file: FilePath) => T): T {
    this.#requireNoLinkAbove(path);
    this.#links.delete(path);
    const file = filePath(this.#dir, path);
    for (let attempt = 0; ; attempt++) {
      try {
        return make(file);
      } catch (error) {
        this.#clearWay(path, attempt, error);
      }
    }
  }

  #clearWay(path: BytePath, attempt: number, error: unknown): void {
    const code = errnoOf(error);
    const file = filePath(this.#dir, path);
    if (code === 'ENOTDIR') throw clash(path);
    if (attempt < 2 && code === 'ENOENT') this.#makeDir(parentPath(path));
    else if (attempt < 2 && code === 'EEXIST') {
      if (lstatSync(file).isDirectory()) throw clash(path);
      unlinkSync(file);
    } else throw fromSystem(error, `writing ${displayPath(path)}`);
  }

  #makeDir(path: BytePath): void {
    if (path === '') return;
    this.#requireNoLinkAbove(path);
    if (this.#links.get(path) !== undefined) throw clash(path);
    const file = filePath(this.#dir, path);
    try {
      // Writable until `finish`.
      this.#count(file, mkdirSync(file, { recursive: true, mode: 0o700 }));
    } catch (error) {
      const code = errnoOf(error);
      throw code === 'EEXIST' || code === 'ENOTDIR' ? clash(path) : fromSystem(error, `writing ${displayPath(path)}`);
    }
  }

  /** Counts implied directories too: a name can be 2000 directories deep, so a few names could fill a disk. */
  #count(file: FilePath, first: string | undefined): void {
    if (first === undefined) return;
    this.#made += depthOf(file) - depthOf(first) + 1;
    if (this.#made <= this.#maxDirs) return;
    throw new CachelaneError('E_LIMIT', `it has more than ${this.#maxDirs} directories`, {
      hint: 'import a part of it',
    });
  }

  #requireNoLinkAbove(path: BytePath): void {
    const holder = this.#links.above(path);
    if (holder !== null) throw clash(holder);
  }

  #requireTime(path: BytePath, { mtimeNs }: Pick<About, 'mtimeNs'>): void {
    const seconds = mtimeNs / 1_000_000_000n;
    if (seconds >= limits.timeSecondsMin && seconds <= limits.timeSecondsMax) return;
    throw refusedMember(path, 'has a time that no file system can store');
  }
}

function depthOf(file: FilePath): number {
  return file.toString('latin1').split('/').length;
}

function clash(path: BytePath): CachelaneError {
  return refusedMember(path, 'is a directory and something else at once');
}

export function refusedMember(name: string, why: string): CachelaneError {
  return new CachelaneError('E_LAYER_REFUSED', `cannot import ${displayPath(name as BytePath)} ${why}`, {
    hint: 'unpack it in a safe place, remove the bad entry, and import the directory',
  });
}
