import { closeSync, constants, fchmodSync, fchownSync, futimesSync, openSync, symlinkSync, writeSync } from 'node:fs';
import type { Entry } from '@cachelane/core';
import { imageHeadBytes } from '../image/erofs-format.ts';
import { filePath } from '../files/file-path.ts';
import { secondsOf, type Owner, type StoreFiles } from '../files/store-files.ts';
import type { ArchiveSink, ContentParts } from './take-piece.ts';

/** Where an incoming layer goes. A thread gets this to write its part. */
export type SinkPlace =
  | {
      readonly kind: 'image';
      /** Of the image file. */
      readonly descriptor: number;
    }
  | {
      readonly kind: 'tree';
      /** All directories already exist here. */
      readonly dir: string;
      readonly owner: Owner | null;
      /** Mode bits that the process's umask removes. */
      readonly maskedBits: number;
    };

export function openSink(place: SinkPlace, files: Pick<StoreFiles, 'setOwner' | 'setTime'>): ArchiveSink {
  return place.kind === 'image' ? new ImageSink(place.descriptor) : new TreeSink(place, files);
}

/** Writes an image: the archive unchanged, with metadata around it. */
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

/** Writes files and symlinks with the mode, owner and time of their entries. */
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

/** On ext4, one write of 4 MiB takes three to five times as long as four of 1 MiB. */
const writtenAtOnce = 1_048_576;

/** Writes all bytes at `at`, or at the descriptor's position if `at` is null. */
export function writeAll(descriptor: number, bytes: Uint8Array, at: number | null): void {
  for (let done = 0; done < bytes.length;) {
    const count = Math.min(writtenAtOnce, bytes.length - done);
    done += writeSync(descriptor, bytes, done, count, at === null ? null : at + done);
  }
}
