import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { digestOf, displayPath, type LayerIndex } from '@cachelane/core';
import { throwIfAborted } from '../files/file-errors.ts';
import { fillFrom } from '../files/read-file.ts';
import type { Owner } from '../files/store-files.ts';
import { archiveBytes, archivePlaces, planArchive, type ArchivePlace, type ArchivePlan } from '../tar/archive-plan.ts';
import { archiveEndBytes, hasContent, HeaderSpace, tarHeader, withTarget } from '../tar/tar-entries.ts';
import { paddingOf } from '../tar/tar-header.ts';
import { imageHeadBytes } from './erofs-format.ts';
import { ImageMetadata } from './erofs-metadata.ts';

export interface ImageCheck {
  readonly file: string;
  readonly index: LayerIndex;
  readonly owner: Owner;
  readonly report: (problem: string) => void;
  readonly signal: AbortSignal;
  /** Told the size of each entry that was read. */
  readonly onBytes?: ((count: number) => void) | undefined;
}

const checkEvery = 256;

/** Compares every byte of an image with the index and the digests in it. Throws system errors. */
export function checkImage(check: ImageCheck): void {
  const descriptor = openSync(check.file, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const window = new Window(descriptor);
    const plan = planArchive(check.index);
    checkArchive(check, plan, window);
    checkMetadata(check, plan, window);
  } finally {
    closeSync(descriptor);
  }
}

function checkArchive({ report, signal, onBytes }: ImageCheck, plan: ArchivePlan, window: Window): void {
  const space = new HeaderSpace();
  let count = 0;
  for (const place of archivePlaces(plan)) {
    if (++count % checkEvery === 0) throwIfAborted(signal);
    const { entry } = place;
    const problem = headerProblem(window, space, place) ?? contentProblem(window, place);
    if (problem !== null) report(`${displayPath(entry.path)} ${problem}`);
    onBytes?.(entry.sizeBytes);
  }
  const endAt = imageHeadBytes + archiveBytes(plan) - archiveEndBytes;
  if (!isZero(window, endAt, archiveEndBytes)) report('the end of the archive has unexpected bytes');
}

function headerProblem(window: Window, space: HeaderSpace, place: ArchivePlace): string | null {
  const { entry, headAt } = place;
  const header = tarHeader(place, space);
  const { bytes, targetAt } = header;
  const found = window.see(imageHeadBytes + headAt, bytes.length);
  if (found.length < bytes.length) return 'is missing';
  if (targetAt === null) return found.equals(bytes) ? null : 'has a wrong header';
  const target = found.subarray(targetAt, targetAt + entry.sizeBytes);
  if (digestOf(target) !== entry.digest) return 'has a different target';
  return found.equals(withTarget(header, target)) ? null : 'has a wrong header';
}

function contentProblem(window: Window, { entry, linkedTo, contentAt }: ArchivePlace): string | null {
  if (!hasContent(entry) || linkedTo !== null) return null;
  const { sizeBytes } = entry;
  const sum = createHash('sha256');
  for (let done = 0; done < sizeBytes;) {
    const part = window.see(imageHeadBytes + contentAt + done, Math.min(windowBytes, sizeBytes - done));
    if (part.length === 0) return 'is missing';
    sum.update(part);
    done += part.length;
  }
  if (sum.digest('hex') !== entry.digest) return 'has different content';
  return isZero(window, imageHeadBytes + contentAt + sizeBytes, paddingOf(sizeBytes))
    ? null
    : 'has unexpected bytes after it';
}

function checkMetadata({ owner, report, signal }: ImageCheck, plan: ArchivePlan, window: Window): void {
  throwIfAborted(signal);
  const read = (at: number, count: number): Buffer => Buffer.from(window.see(imageHeadBytes + at, count));
  const { head, body, metaAt, imageBytes } = new ImageMetadata(plan, owner).finish(read);
  if (window.sizeBytes !== imageBytes) report('the image has a different size');
  if (!window.see(0, head.length).equals(head)) report('the head of the image has unexpected bytes');
  let at = metaAt;
  for (const part of body) {
    if (!window.see(at, part.length).equals(part)) report('the directories of the image have unexpected bytes');
    at += part.length;
  }
  if (!isZero(window, at, imageBytes - at)) report('the end of the image has unexpected bytes');
}

function isZero(window: Window, at: number, count: number): boolean {
  const found = window.see(at, count);
  return found.length === count && found.every((byte) => byte === 0);
}

/** Maximum bytes read at once. */
const windowBytes = 1_048_576;

/** Reads a file from beginning to end, with occasional small steps back. */
class Window {
  readonly sizeBytes: number;
  readonly #descriptor: number;
  readonly #bytes: Buffer = Buffer.allocUnsafeSlow(windowBytes);
  #from = 0;
  #filled = 0;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    this.sizeBytes = fstatSync(descriptor).size;
  }

  /** Returns up to {@link windowBytes} bytes, fewer at the end of the file. They are valid until the next call. */
  see(at: number, count: number): Buffer {
    if (at < this.#from || at + count > this.#from + this.#filled) {
      this.#filled = fillFrom(this.#descriptor, this.#bytes, at);
      this.#from = at;
    }
    return this.#bytes.subarray(at - this.#from, Math.min(at - this.#from + count, this.#filled));
  }
}
