import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
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

// DIR/sha256-<manifest>/tree   what an image holds
// DIR/tag-<digest of host, repository, tag>   the manifest that a tag named last
// DIR/new-…   one on its way

export interface ImageCacheOptions {
  /** Of the home. */
  readonly dir: string;
  /** What was written under another boot may not have reached the disk, and is made anew. */
  readonly bootId: string;
  readonly nowMs: number;
}

/** What nobody used for so long goes: a month, as other caches. */
const keptMs = 2_592_000_000;
/** Half an image of so long ago is nobody's. */
const unfinishedMs = 86_400_000;

export class ImageCache {
  readonly #dir: string;
  readonly #bootId: string;
  readonly #nowMs: number;

  constructor({ dir, bootId, nowMs }: ImageCacheOptions) {
    this.#dir = dir;
    this.#bootId = bootId;
    this.#nowMs = nowMs;
  }

  /** Where its files lie; null: it is not there, or not for certain. */
  find(digest: string): string | null {
    const dir = this.#placeOf(digest);
    if (textOf(join(dir, 'boot')) !== this.#bootId) return null;
    const now = this.#nowMs / 1000;
    utimesSync(join(dir, 'boot'), now, now);
    return join(dir, 'tree');
  }

  /** `make` gets an empty directory of its own, and one for the files. */
  async add(
    digest: string,
    make: (place: { readonly scratch: string; readonly tree: string }) => Promise<void>,
  ): Promise<string> {
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    this.#sweep();
    const fresh = mkdtempSync(join(this.#dir, 'new-'));
    try {
      const [scratch, tree] = [join(fresh, 'scratch'), join(fresh, 'tree')];
      mkdirSync(scratch);
      mkdirSync(tree, { mode: 0o755 });
      await make({ scratch, tree });
      rmSync(scratch, { recursive: true });
      writeFileSync(join(fresh, 'boot'), this.#bootId);
      const place = this.#placeOf(digest);
      if (this.find(digest) === null) {
        remove(place);
        renameSync(fresh, place);
      }
      return join(place, 'tree');
    } finally {
      remove(fresh);
    }
  }

  /** What a tag named when it was asked for last; null: it never was. */
  tagged(name: string): string | null {
    const digest = textOf(this.#tagOf(name));
    return digest !== null && /^sha256:[0-9a-f]{64}$/.test(digest) ? digest : null;
  }

  noteTag(name: string, digest: string): void {
    const file = this.#tagOf(name);
    const fresh = mkdtempSync(join(this.#dir, 'new-'));
    writeFileSync(join(fresh, 'tag'), digest);
    renameSync(join(fresh, 'tag'), file);
    remove(fresh);
  }

  #placeOf(digest: string): string {
    return join(this.#dir, digest.replace(':', '-'));
  }

  #tagOf(name: string): string {
    return join(this.#dir, `tag-${createHash('sha256').update(name).digest('hex')}`);
  }

  #sweep(): void {
    for (const name of readdirSync(this.#dir)) {
      const path = join(this.#dir, name);
      const used = name.startsWith('sha256-') && existsSync(join(path, 'boot')) ? join(path, 'boot') : path;
      const usedMs = lstatSync(used, { throwIfNoEntry: false })?.mtimeMs ?? this.#nowMs;
      if (this.#nowMs - usedMs > (name.startsWith('new-') ? unfinishedMs : keptMs)) remove(path);
    }
  }
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
    // Directories of an image may be closed to us.
    open(path);
    rmSync(path, { recursive: true, force: true });
  }
}

function open(dir: string | Buffer): void {
  if (lstatSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  chmodSync(dir, 0o700);
  for (const name of readdirSync(dir, 'buffer')) open(Buffer.concat([Buffer.from(dir), Buffer.from('/'), name]));
}
