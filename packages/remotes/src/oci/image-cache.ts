import { createHash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

// DIR/sha256-<manifest>.<boot>/tree   the files of an image; its directory has the time of its last use
// DIR/tag-<digest of host, repository, tag>   the last known manifest or index of a tag
// DIR/new-…   an unfinished image
// DIR/gone-…   an image being deleted

export interface ImageCacheOptions {
  /** Below the home. */
  readonly dir: string;
  /**
   * Files written in another boot may not have reached the disk. They are made again beside the old ones, which may
   * be in use.
   */
  readonly bootId: string;
  readonly nowMs: number;
}

/** Delete images that were unused for a month, as for other caches. */
const keptMs = 2_592_000_000;
/** Older unfinished images are abandoned. */
const unfinishedMs = 86_400_000;
/** Images of another boot are useless, except to a reader on a machine that shares the home: one hour. */
const otherBootMs = 3_600_000;

export class ImageCache {
  readonly #dir: string;
  readonly #boot: string;
  readonly #nowMs: number;

  constructor({ dir, bootId, nowMs }: ImageCacheOptions) {
    this.#dir = dir;
    this.#boot = createHash('sha256').update(bootId).digest('hex').slice(0, 16);
    this.#nowMs = nowMs;
  }

  /** Returns the directory of an image; null if it is missing or uncertain. */
  find(digest: string): string | null {
    const place = this.#placeOf(digest);
    return this.#noteUse(place) ? join(place, 'tree') : null;
  }

  /**
   * Adds an image. `make` gets an empty scratch directory and one for the files. Of concurrent calls, one result
   * serves all.
   */
  async add(
    digest: string,
    make: (place: { readonly scratch: string; readonly tree: string }) => Promise<void>,
  ): Promise<string> {
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    this.sweep();
    const fresh = mkdtempSync(join(this.#dir, 'new-'));
    try {
      const [scratch, tree] = [join(fresh, 'scratch'), join(fresh, 'tree')];
      mkdirSync(scratch);
      mkdirSync(tree, { mode: 0o755 });
      await make({ scratch, tree });
      rmSync(scratch, { recursive: true });
      this.#noteUse(fresh);
      const place = this.#placeOf(digest);
      renameUnlessThere(fresh, place);
      return join(place, 'tree');
    } finally {
      remove(fresh);
    }
  }

  /** Returns the last known manifest of a tag; null if unknown. */
  tagged(name: string): string | null {
    const file = this.#tagOf(name);
    const digest = this.#noteUse(file) ? textOf(file) : null;
    return digest !== null && /^sha256:[0-9a-f]{64}$/.test(digest) ? digest : null;
  }

  noteTag(name: string, digest: string): void {
    const file = this.#tagOf(name);
    const fresh = mkdtempSync(join(this.#dir, 'new-'));
    writeFileSync(join(fresh, 'tag'), digest);
    renameSync(join(fresh, 'tag'), file);
    remove(fresh);
  }

  /** Returns the names of stale entries. */
  stale(): readonly string[] {
    return namesIn(this.#dir).filter((name) => this.#isStale(name));
  }

  /**
   * Deletes stale entries as far as permissions allow; files of root must not block images. Returns the deleted
   * names.
   */
  sweep(): readonly string[] {
    return this.stale().filter((name) => {
      try {
        return this.#take(name);
      } catch {
        return false;
      }
    });
  }

  #isStale(name: string): boolean {
    const stat = lstatSync(join(this.#dir, name), { throwIfNoEntry: false });
    return stat !== undefined && this.#nowMs - stat.mtimeMs > this.#keptMs(name);
  }

  #keptMs(name: string): number {
    if (name.startsWith('gone-')) return 0;
    if (name.startsWith('new-')) return unfinishedMs;
    return name.startsWith('sha256-') && !name.endsWith(`.${this.#boot}`) ? otherBootMs : keptMs;
  }

  /** Rename it away before deleting. A reader that found it between check and rename keeps it. */
  #take(name: string): boolean {
    const path = join(this.#dir, name);
    if (!name.startsWith('sha256-')) {
      remove(path);
      return true;
    }
    const bin = mkdtempSync(join(this.#dir, 'gone-'));
    try {
      const taken = join(bin, 'image');
      if (!renamed(path, taken)) return false;
      const isUsed = this.#nowMs - lstatSync(taken).mtimeMs <= this.#keptMs(name);
      if (isUsed) renameUnlessThere(taken, path);
      return !isUsed;
    } finally {
      remove(bin);
    }
  }

  /** Returns false if it does not exist. */
  #noteUse(path: string): boolean {
    const now = this.#nowMs / 1000;
    try {
      utimesSync(path, now, now);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  #placeOf(digest: string): string {
    return join(this.#dir, `${digest.replace(':', '-')}.${this.#boot}`);
  }

  #tagOf(name: string): string {
    return join(this.#dir, `tag-${createHash('sha256').update(name).digest('hex')}`);
  }
}

/** rename(2) does not replace a directory that is not empty. */
function renameUnlessThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}

/** Returns false if another process took it. */
function renamed(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function namesIn(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function remove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // Directories of an image may be unreadable for us.
    open(path);
    rmSync(path, { recursive: true, force: true });
  }
}

function open(dir: string | Buffer): void {
  if (lstatSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  chmodSync(dir, 0o700);
  for (const name of readdirSync(dir, 'buffer')) open(Buffer.concat([Buffer.from(dir), Buffer.from('/'), name]));
}
