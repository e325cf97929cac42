import { closeSync, constants, fchmodSync, fchownSync, futimesSync, openSync, symlinkSync, writeSync } from 'node:fs';
import type { Entry } from '@cachelane/core';
import { imageHeadBytes } from '../image/erofs-format.ts';
import { filePath } from '../files/file-path.ts';
import { secondsOf, type Owner, type StoreFiles } from '../files/store-files.ts';
import type { ArchiveSink, ContentParts } from './take-piece.ts';

/** Where a layer goes that comes in: what a thread needs to know to put its part there. */
export type SinkPlace =
  | {
      readonly kind: 'image';
      /** Of the image's file. */
      readonly descriptor: number;
    }
  | {
      readonly kind: 'tree';
      /** Has all directories already. */
      readonly dir: string;
      readonly owner: Owner | null;
      /** Bits of a mode that the process's mask takes from what it makes. */
      readonly maskedBits: number;
    };

export function openSink(place: SinkPlace, files: Pick<StoreFiles, 'setOwner' | 'setTime'>): ArchiveSink {
  return place.kind === 'image' ? new ImageSink(place.descriptor) : new TreeSink(place, files);
}

/** An image is the archive as it came, and more behind it. */
class ImageSink implements ArchiveSink {
  readonly #descriptor: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  piece(at: number, content: Buffer): void {
    writeAll(this.#descriptor, content, imageHeadBytes + at);
  }

  symlink(): void {}

  file(): void {}

  async largeFile(_: Entry, content: ContentParts): Promise<void> {
    await content(() => {});
  }
}

/** Files and symlinks get all that their entries say. */
class TreeSink implements ArchiveSink {
  readonly #place: Extract<SinkPlace, { kind: 'tree' }>;
  readonly #files: Pick<StoreFiles, 'setOwner' | 'setTime'>;

  constructor(place: Extract<SinkPlace, { kind: 'tree' }>, files: Pick<StoreFiles, 'setOwner' | 'setTime'>) {
    this.#place = place;
    this.#files = files;
  }

  piece(): void {}

  symlink({ path, mtimeNs }: Entry, target: Buffer): void {
    const { dir, owner } = this.#place;
    const file = filePath(dir, path);
    symlinkSync(target, file);
    if (owner !== null) this.#files.setOwner(file, owner);
    this.#files.setTime(file, mtimeNs);
  }

  file(entry: Entry, content: Buffer): void {
    const descriptor = this.#create(entry);
    try {
      writeAll(descriptor, content, null);
      this.#dress(descriptor, entry);
    } finally {
      closeSync(descriptor);
    }
  }

  async largeFile(entry: Entry, content: ContentParts): Promise<void> {
    const descriptor = this.#create(entry);
    try {
      await content((part) => {
        writeAll(descriptor, part, null);
      });
      this.#dress(descriptor, entry);
    } finally {
      closeSync(descriptor);
    }
  }

  #create({ path, mode }: Entry): number {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
    return openSync(filePath(this.#place.dir, path), flags, mode);
  }

  #dress(descriptor: number, { mode, mtimeNs }: Entry): void {
    const { owner, maskedBits } = this.#place;
    const seconds = secondsOf(mtimeNs);
    if (owner !== null) fchownSync(descriptor, owner.uid, owner.gid);
    if ((mode & maskedBits) !== 0) fchmodSync(descriptor, mode);
    futimesSync(descriptor, seconds, seconds);
  }
}

/** ext4 takes three to five times as long for four megabytes at once as for four times one. */
const writtenAtOnce = 1_048_576;

/** From `at` on, or, null, where the descriptor stands. */
export function writeAll(descriptor: number, bytes: Uint8Array, at: number | null): void {
  for (let done = 0; done < bytes.length;) {
    const count = Math.min(writtenAtOnce, bytes.length - done);
    done += writeSync(descriptor, bytes, done, count, at === null ? null : at + done);
  }
}
