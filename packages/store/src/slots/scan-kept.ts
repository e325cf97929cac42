import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { childPath, limits, parentPath, rootPath, type BytePath, type Change, type UsedFile } from '@cachelane/core';
import { refused, throwIfAborted } from '../files/file-errors.ts';
import { byteNames, filePath } from '../files/file-path.ts';
import type { OpenAccess } from '../files/open-access.ts';
import type { Owner } from '../files/store-files.ts';
import { typeOf, unknownTime, type KeptRecord, type KeptTable, type KeptType } from './kept-table.ts';
import { isOwner } from './kept-tree.ts';
import type { ReadsSince } from './reads-since.ts';

/** What a walk over a kept directory found that its table does not say. */
export interface KeptScan {
  /** Parents before children. */
  readonly changes: readonly Change[];
  /** The table's new records, digests unknown; null for what is gone. */
  readonly records: ReadonlyMap<BytePath, KeptRecord | null>;
  /** Those of them that tell of a change: a directory's times alone are none. */
  readonly dirty: readonly BytePath[];
  /**
   * Of these, files in the inodes that the table knows: what was done to them may be what nobody can see from here
   * (attributes).
   */
  readonly touched: readonly BytePath[];
  /** Files as they were that somebody read, or, where changes of links do not count as such, linked to. */
  readonly used: readonly UsedFile[];
}

export interface ScanOptions {
  /**
   * A file is told by its times of modification, size and inode alone: making or removing another name of it moves its time of
   * change, and a project that links out of its cache does that to every file. What is missed then is an edit that keeps the size
   * and puts the time back.
   */
  readonly ignoresChangeTime: boolean;
  /** Of what we make there; null where it does not matter who owns a directory. */
  readonly owner: Owner | null;
  /** It is another directory than the table tells of: all that is in it is new. */
  readonly isRemade: boolean;
  /** Since when, by the clock of the file system; null: that is of no interest. */
  readonly readsSince: ReadsSince;
}

/**
 * Compares a directory with its table: 120k files in 0.4 s, nearly all of it one stat for each. A directory whose own times are the
 * recorded ones has the recorded names in it and is not listed, which saves a quarter. Symlinks are listed, never followed. Leaves
 * directories open that were shut.
 */
export function scanKept(access: OpenAccess, table: KeptTable, options: ScanOptions, signal: AbortSignal): KeptScan {
  const walk = new Walk(access, table, options);
  const pending: Pending[] = [{ path: rootPath, isNew: options.isRemade, hasSameNames: false }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    throwIfAborted(signal);
    // One by one: a directory may have more of them than a call has room for.
    for (const each of walk.directory(next)) pending.push(each);
  }
  return walk.finish();
}

interface Pending {
  readonly path: BytePath;
  /** Made anew since the table was written: whatever lies in it counts as changed, also what was moved in. */
  readonly isNew: boolean;
  /** Nothing was added, removed or renamed in it since. */
  readonly hasSameNames: boolean;
}

class Walk {
  readonly #access: OpenAccess;
  readonly #table: KeptTable;
  readonly #options: ScanOptions;
  readonly #changes: Change[] = [];
  readonly #records = new Map<BytePath, KeptRecord | null>();
  readonly #dirty: BytePath[] = [];
  readonly #touched: BytePath[] = [];
  readonly #used: UsedFile[] = [];
  readonly #seen: Uint8Array;
  /** Directories whose former contents are gone with them. */
  readonly #replaced = new Set<BytePath>();
  #likely = -1;

  constructor(access: OpenAccess, table: KeptTable, options: ScanOptions) {
    this.#access = access;
    this.#table = table;
    this.#options = options;
    this.#seen = new Uint8Array(table.count);
  }

  directory({ path: directory, isNew, hasSameNames }: Pending): readonly Pending[] {
    const deeper: Pending[] = [];
    const look = (path: BytePath, position: number): void => {
      const stat = this.#stat(path);
      // Somebody else may be at work in a directory that several runs share.
      if (stat === undefined) return;
      const below = this.#look(path, position, { stat, isNew });
      if (below !== null) deeper.push(below);
    };
    if (hasSameNames) {
      for (const position of this.#table.childrenOf(directory))
        look(this.#table.pathAt(position) ?? rootPath, position);
      return deeper.toReversed();
    }
    for (const name of this.#access.run(directory, (file) => readdirSync(file, byteNames))) {
      const path = childPath(directory, name);
      if (path.length > limits.pathBytes) throw refused(path, `its path is over ${limits.pathBytes} bytes long`);
      const position = this.#table.position(path, this.#likely + 1);
      if (position >= 0) this.#likely = position;
      look(path, position);
    }
    return deeper.toReversed();
  }

  finish(): KeptScan {
    for (let position = 0; position < this.#seen.length; position++) {
      if (this.#seen[position] === 1) continue;
      const path = this.#table.pathAt(position) as BytePath;
      this.#records.set(path, null);
      this.#dirty.push(path);
    }
    // Parents stand before children in a table only where a walk wrote it.
    for (const [path, record] of this.#records) {
      if (record === null && !this.#goesWithParent(path)) this.#changes.push({ kind: 'removed', path });
    }
    const [changes, records, dirty] = [this.#changes, this.#records, this.#dirty];
    return { changes, records, dirty, touched: this.#touched, used: this.#used };
  }

  #goesWithParent(path: BytePath): boolean {
    const parent = parentPath(path);
    if (parent === rootPath) return false;
    const record = this.#records.get(parent);
    if (record === null || (record !== undefined && record.type !== 'dir')) return true;
    return this.#replaced.has(parent);
  }

  /** Returns what is to be walked next, for a directory. */
  #look(path: BytePath, position: number, { stat, isNew }: Look): Pending | null {
    if (position >= 0) this.#seen[position] = 1;
    const mode = this.#access.modeBefore(path) ?? stat.mode;
    const isDirectory = stat.isDirectory();
    if (!isDirectory && !isNew && position >= 0 && this.#isSame(position, (stat.mode & ~0o7777) | mode, stat)) {
      this.#noteUse(path, stat);
      return null;
    }
    const seen = recordOf(stat, mode);
    if (isDirectory) {
      const before = position < 0 ? undefined : this.#table.at(position);
      return this.#lookAtDirectory(path, { seen, before, isNew, isOurs: this.#isOurs(stat) });
    }
    this.#note(path, seen);
    this.#dirty.push(path);
    if (position >= 0 && seen.type === 'file' && this.#table.hasInode(position, stat)) this.#touched.push(path);
    this.#changes.push(this.#changeOf(path, seen.type));
    return null;
  }

  /**
   * We give files a time of access that is their time of change, which may lie far in the future; and we read those that we save. A link to one is made
   * without a look at it.
   */
  #noteUse(path: BytePath, stat: Stats): void {
    const { readsSince, ignoresChangeTime } = this.#options;
    if (readsSince === null || !stat.isFile()) return;
    const { fromMs, perhapsFromMs } = readsSince;
    const readAtMs = stat.atimeMs === stat.mtimeMs ? 0 : stat.atimeMs;
    if (readAtMs >= fromMs || (ignoresChangeTime && stat.ctimeMs >= fromMs)) this.#used.push({ path, atMs: null });
    else if (readAtMs >= perhapsFromMs && stat.ctimeMs < perhapsFromMs) this.#used.push({ path, atMs: readAtMs });
  }

  #isOurs(stat: Stats): boolean {
    const { owner } = this.#options;
    return owner === null || isOwner(owner, stat);
  }

  /** Without a closure for each of 120k files. */
  #stat(path: BytePath): Stats | undefined {
    try {
      return lstatSync(filePath(this.#access.root, path), quiet);
    } catch {
      return this.#access.run(path, (file) => lstatSync(file, quiet));
    }
  }

  #lookAtDirectory(path: BytePath, { seen, before, isNew, isOurs }: DirectoryLook): Pending {
    const wasDirectory = before?.type === 'dir';
    const isSame = wasDirectory && before.inode === seen.inode && before.birthMs === seen.birthMs;
    const isAnew = isNew || !isSame;
    const hasSameTimes = wasDirectory && before.mtimeMs === seen.mtimeMs && before.ctimeMs === seen.ctimeMs;
    if (isAnew || !hasSameTimes) this.#note(path, seen);
    if (!isAnew && before.mode === seen.mode && isOurs) return { path, isNew: false, hasSameNames: hasSameTimes };
    this.#dirty.push(path);
    if (isAnew && wasDirectory) this.#replaced.add(path);
    const stat = this.#access.run(path, (file) => lstatSync(file, { bigint: true }));
    this.#changes.push({
      kind: 'dir',
      path,
      mode: seen.mode & 0o1777,
      mtimeNs: stat.mtimeNs,
      replaces: isAnew && wasDirectory,
    });
    return { path, isNew: isAnew, hasSameNames: false };
  }

  #note(path: BytePath, seen: Omit<KeptRecord, 'digest'>): void {
    // To read one without permission it is opened for a moment, which moves its time of change.
    const isUnsure = seen.type === 'file' && (seen.mode & 0o400) === 0;
    this.#records.set(path, { ...seen, ctimeMs: isUnsure ? unknownTime : seen.ctimeMs, digest: null });
  }

  #isSame(position: number, mode: number, stat: Stats): boolean {
    if (this.#table.isSame(position, mode, stat)) return true;
    return this.#options.ignoresChangeTime && stat.isFile() && this.#table.isSameButChangeTime(position, mode, stat);
  }

  #changeOf(path: BytePath, type: KeptType): Change {
    const stat = this.#access.run(path, (file) => lstatSync(file, { bigint: true }));
    const { mtimeNs } = stat;
    switch (type) {
      case 'file': {
        const mode = (this.#access.modeBefore(path) ?? Number(stat.mode)) & 0o1777;
        return { kind: 'file', path, mode, mtimeNs, sizeBytes: Number(stat.size) };
      }
      case 'symlink':
        return {
          kind: 'symlink',
          path,
          mtimeNs,
          target: this.#access.run(path, (file) => readlinkSync(file, 'buffer')),
        };
      default:
        return { kind: 'special', path, what: stat.isSocket() ? 'socket' : stat.isFIFO() ? 'fifo' : 'device' };
    }
  }
}

const quiet = { throwIfNoEntry: false } as const;

interface Look {
  readonly stat: Stats;
  readonly isNew: boolean;
}

interface DirectoryLook {
  readonly seen: Omit<KeptRecord, 'digest'>;
  readonly before: KeptRecord | undefined;
  readonly isNew: boolean;
  readonly isOurs: boolean;
}

/** `modeBefore`: the mode of something that was opened for a moment. */
export function recordOf(stat: Stats, modeBefore: number | undefined): Omit<KeptRecord, 'digest'> {
  const isDirectory = stat.isDirectory();
  return {
    type: typeOf(stat.mode),
    mode: (modeBefore ?? stat.mode) & 0o7777,
    sizeBytes: isDirectory ? 0 : stat.size,
    mtimeMs: stat.mtimeMs,
    ctimeMs: stat.ctimeMs,
    inode: stat.ino,
    birthMs: stat.birthtimeMs,
  };
}
