import { lstatSync } from 'node:fs';
import { ancestors, type BytePath } from '@cachelane/core';
import { errnoOf, isMissing } from './file-errors.ts';
import { filePath, type FilePath } from './file-path.ts';
import type { StoreFiles } from './store-files.ts';

/**
 * Accesses files whose permissions exclude even their owner. Builds leave such files and directories, for example
 * the Go module cache. Changes permissions only after an operation failed, and remembers the old modes.
 */
export class OpenAccess {
  readonly root: string;
  readonly #files: Pick<StoreFiles, 'setMode'>;
  readonly #trueMode: (path: BytePath) => number | undefined;
  #opened: Map<BytePath, number> | undefined;

  /**
   * `trueMode` returns a path's intended mode if that is known better than from the file: another process may have
   * opened it too.
   */
  constructor(
    root: string,
    files: Pick<StoreFiles, 'setMode'>,
    trueMode: (path: BytePath) => number | undefined = () => undefined,
  ) {
    this.root = root;
    this.#files = files;
    this.#trueMode = trueMode;
  }

  /** Runs an operation on a path below the root. On EACCES, makes the path and its ancestors accessible and retries. */
  run<T>(path: BytePath, operation: (file: FilePath) => T): T {
    const file = filePath(this.root, path);
    try {
      return operation(file);
    } catch (error) {
      if (errnoOf(error) !== 'EACCES' || !this.#open(path)) throw error;
      return operation(file);
    }
  }

  /** Returns the mode before it was changed, or undefined if it was not changed. */
  modeBefore(path: BytePath): number | undefined {
    // The map is nearly always unset. A look-up would keep a flat copy of each path in memory.
    return this.#opened?.get(path);
  }

  /** Forgets a path that was deleted: its replacement has its own mode. */
  forget(path: BytePath): void {
    this.#opened?.delete(path);
  }

  /** Makes a path accessible for another program. Does nothing as root. */
  prepare(path: BytePath): void {
    if (process.geteuid?.() !== 0) this.#open(path);
  }

  /**
   * Restores every changed mode, or sets the result of `mode`. Deepest first, because a restored parent may block
   * access.
   */
  restore(mode: (path: BytePath, before: number) => number = (_, before) => before): void {
    if (this.#opened === undefined) return;
    const deepestFirst = [...this.#opened].toSorted(([a], [b]) => (a < b ? 1 : -1));
    this.#opened = undefined;
    for (const [path, before] of deepestFirst) {
      try {
        this.#files.setMode(filePath(this.root, path), mode(path, before));
      } catch (error) {
        // The path is gone, or a restored parent blocks access.
        if (!isMissing(error) && errnoOf(error) !== 'EACCES') throw error;
      }
    }
  }

  /** Makes the path and its ancestors accessible. Returns whether anything changed. */
  #open(path: BytePath): boolean {
    let changed = false;
    for (const each of ['' as BytePath, ...[...ancestors(path)].toReversed(), path]) {
      const file = filePath(this.root, each);
      const stat = lstatSync(file, { throwIfNoEntry: false });
      if (stat === undefined || !(stat.isDirectory() || (stat.isFile() && each === path))) continue;
      const wanted = stat.isDirectory() ? 0o700 : 0o400;
      if ((stat.mode & wanted) === wanted) continue;
      this.#opened ??= new Map();
      if (!this.#opened.has(each)) this.#opened.set(each, this.#trueMode(each) ?? stat.mode & 0o7777);
      try {
        this.#files.setMode(file, (stat.mode & 0o7777) | wanted);
      } catch (error) {
        // Another user's file: the operation's own error is clearer.
        if (errnoOf(error) === 'EPERM') return false;
        throw error;
      }
      changed = true;
    }
    return changed;
  }
}
