import { lstatSync } from 'node:fs';
import { ancestors, type BytePath } from '@cachelane/core';
import { errnoOf, isMissing } from './file-errors.ts';
import { filePath, type FilePath } from './file-path.ts';
import type { StoreFiles } from './store-files.ts';

/**
 * Reaches files whose own permissions shut us out: builds leave directories without write, and files without read
 * permission (the Go module cache does). Directories are opened only when an operation failed for lack of permission, and
 * what they were is remembered.
 */
export class OpenAccess {
  readonly root: string;
  readonly #files: Pick<StoreFiles, 'setMode'>;
  readonly #trueMode: (path: BytePath) => number | undefined;
  #opened: Map<BytePath, number> | undefined;

  /**
   * `trueMode`: what a path's mode is meant to be, where that is known better than by looking (somebody else may have
   * it open as well).
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

  /**
   * Runs an operation on a path below the root; on EACCES opens the path and its ancestors for us and runs it again.
   */
  run<T>(path: BytePath, operation: (file: FilePath) => T): T {
    const file = filePath(this.root, path);
    try {
      return operation(file);
    } catch (error) {
      if (errnoOf(error) !== 'EACCES' || !this.#open(path)) throw error;
      return operation(file);
    }
  }

  /** Mode of something before it was opened; undefined where it was not. */
  modeBefore(path: BytePath): number | undefined {
    // Nearly always nothing was opened; a look-up would keep a flat copy of each path in memory.
    return this.#opened?.get(path);
  }

  /** What was opened there is gone: what comes in its place has a mode of its own. */
  forget(path: BytePath): void {
    this.#opened?.delete(path);
  }

  /** Opens a path before another program works on it; root needs no permission. */
  prepare(path: BytePath): void {
    if (process.geteuid?.() !== 0) this.#open(path);
  }

  /**
   * Gives back every mode that was changed, or lets `mode` decide it; deepest first, since a parent may shut us out
   * again.
   */
  restore(mode: (path: BytePath, before: number) => number = (_, before) => before): void {
    if (this.#opened === undefined) return;
    const deepestFirst = [...this.#opened].toSorted(([a], [b]) => (a < b ? 1 : -1));
    this.#opened = undefined;
    for (const [path, before] of deepestFirst) {
      try {
        this.#files.setMode(filePath(this.root, path), mode(path, before));
      } catch (error) {
        // Gone with what it lay in, or shut away already by a parent that was given its own mode back.
        if (!isMissing(error) && errnoOf(error) !== 'EACCES') throw error;
      }
    }
  }

  /** Opens the path and what leads to it. True when that changed anything, so that trying again makes sense. */
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
        // Somebody else's: the operation's own error says it better.
        if (errnoOf(error) === 'EPERM') return false;
        throw error;
      }
      changed = true;
    }
    return changed;
  }
}
