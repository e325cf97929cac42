import { closeSync, constants, openSync, readlinkSync, readSync } from 'node:fs';
import { createHash, hash } from 'node:crypto';
import { CachelaneError, displayPath, invariant, type Digest, type Entry, type LayerIndex } from '@cachelane/core';
import { imageHeadBytes } from '../image/erofs-format.ts';
import { errnoOf, fromSystem, isMissing, throwIfAborted } from '../files/file-errors.ts';
import type { FilePath } from '../files/file-path.ts';
import { deltaFile, layerPaths } from '../files/home-paths.ts';
import { OpenAccess } from '../files/open-access.ts';
import type { StoreFiles } from '../files/store-files.ts';
import { corruptLayer, readLayer, type LayerRef } from '../layers/stored-layer.ts';
import { fillFrom } from '../files/read-file.ts';
import { frameBytes, framesInFlight, FrameWriter } from './frames.ts';
import { LinkFinder } from '../tar/archive-plan.ts';
import {
  archiveEndBytes,
  contentBytes,
  HeaderSpace,
  tarHeader,
  withTarget,
  type WireEntry,
} from '../tar/tar-entries.ts';
import { paddingOf } from '../tar/tar-header.ts';

/** A frame ends early, before an entry that does not fit, only if at most this many bytes stay unused. */
const cutBytes = frameBytes / 4;

/**
 * Yields the wire form of a layer, in one pass that checks each file against its digest.
 * Throws E_LAYER_CORRUPT for damaged content, so that damage does not spread.
 */
export async function* packLayer(
  ref: LayerRef,
  files: Pick<StoreFiles, 'setMode'>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { index, about } = readLayer(ref);
  const contents = about.imageOwner === null ? treeContents(ref, index, files) : imageContents(ref);
  const frames = new FrameWriter();
  const frame = new Frame();
  const space = new HeaderSpace();
  const links = new LinkFinder();
  let at = 0;
  let place = 0;
  try {
    for (const entry of index.entries()) {
      const wire = { entry, linkedTo: links.find(entry, place++)?.path ?? null };
      const content = contentBytes(wire);
      const head = headerOf(contents, { ...wire, at }, space);
      const contentAt = at + head.length;
      at = contentAt + content + paddingOf(content);
      if (frame.left < head.length + Math.min(content, cutBytes)) yield* frames.write(frame.take());
      for (let done = 0; done < head.length; done += frameBytes) frame.put(head.subarray(done, done + frameBytes));
      if (content === 0) continue;
      throwIfAborted(signal);
      const source = contents.open({ entry, at: contentAt });
      try {
        for (const full of readInto(frame, entry, source)) yield* frames.write(full);
      } finally {
        source.close();
      }
      if (frame.left < paddingOf(content)) yield* frames.write(frame.take());
      frame.skip(paddingOf(content));
    }
    if (frame.left < archiveEndBytes) yield* frames.write(frame.take());
    frame.skip(archiveEndBytes);
    yield* frames.write(frame.take());
    yield* frames.end();
  } finally {
    contents.close();
  }
}

/** The frame being filled. Reuses its buffers: allocating new ones makes this 50 % slower. */
class Frame {
  readonly #buffers: Buffer[] = Array.from({ length: framesInFlight }, () => Buffer.allocUnsafeSlow(frameBytes));
  #bytes: Buffer = this.#next();
  #used = 0;

  get left(): number {
    return frameBytes - this.#used;
  }

  put(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  /** Appends zeros. */
  skip(count: number): void {
    this.#bytes.fill(0, this.#used, this.#used + count);
    this.#used += count;
  }

  /** Lets `read` fill up to `count` bytes of the remaining space. */
  fill(count: number, read: (into: Buffer) => number): Buffer {
    const into = this.#bytes.subarray(this.#used, this.#used + Math.min(count, this.left));
    const got = read(into);
    this.#used += got;
    return into.subarray(0, got);
  }

  take(): Buffer {
    const full = this.#bytes.subarray(0, this.#used);
    this.#bytes = this.#next();
    this.#used = 0;
    return full;
  }

  #next(): Buffer {
    const buffer = this.#buffers.shift() as Buffer;
    this.#buffers.push(buffer);
    return buffer;
  }
}

function headerOf(contents: Contents, { entry, linkedTo, at }: Placed & WireEntry, space: HeaderSpace): Buffer {
  const header = tarHeader({ entry, linkedTo }, space);
  if (header.targetAt === null) return header.bytes;
  const target = contents.target({ entry, at: at + header.targetAt });
  if (hash('sha256', target, 'hex') !== entry.digest) throw damaged(entry);
  return withTarget(header, target);
}

function* readInto(frame: Frame, entry: Entry, source: ContentSource): Generator<Buffer> {
  let left = entry.sizeBytes;
  let sum: ReturnType<typeof createHash> | null = null;
  while (left > 0) {
    if (frame.left === 0) yield frame.take();
    const part = frame.fill(left, (into) => source.read(into));
    if (part.length === 0) throw damaged(entry);
    left -= part.length;
    if (sum === null && left === 0) {
      if (hash('sha256', part, 'hex') !== entry.digest) throw damaged(entry);
      return;
    }
    sum ??= createHash('sha256');
    sum.update(part);
  }
  if (sum?.digest('hex') !== entry.digest) throw damaged(entry);
}

/** An entry, and where the requested part is in the archive. */
interface Placed {
  readonly entry: Entry;
  readonly at: number;
}

/** Reads the contents of a layer, from a tree or an image. */
interface Contents {
  target(placed: Placed): Buffer;
  open(placed: Placed): ContentSource;
  close(): void;
}

interface ContentSource {
  /** Reads the next bytes into `into`. Returns their count, 0 at the end. */
  read(into: Buffer): number;
  close(): void;
}

function treeContents({ dir }: LayerRef, index: LayerIndex, files: Pick<StoreFiles, 'setMode'>): Contents {
  const access = new OpenAccess(layerPaths(dir).tree, files, (path) => index.find(path)?.mode);
  return {
    target: ({ entry }) => guarded(entry, () => access.run(entry.path, (file) => readlinkSync(file, 'buffer'))),
    open({ entry }) {
      const descriptor = guarded(entry, () =>
        entry.form === 'delta' ? openPlain(deltaFile(dir, digestIn(entry))) : access.run(entry.path, openPlain),
      );
      return {
        read: (into) => readSync(descriptor, into, 0, into.length, null),
        close: () => {
          closeSync(descriptor);
        },
      };
    },
    close: () => {
      access.restore();
    },
  };
}

/** Reads from an image, which contains the whole archive, with deltas. */
function imageContents({ dir, key }: LayerRef): Contents {
  const descriptor = openImage(dir, key);
  return {
    target({ entry, at }) {
      const target = Buffer.alloc(entry.sizeBytes);
      fillFrom(descriptor, target, imageHeadBytes + at);
      return target;
    },
    open({ at }) {
      let next = imageHeadBytes + at;
      return {
        read(into) {
          const got = readSync(descriptor, into, 0, into.length, next);
          next += got;
          return got;
        },
        close: () => {},
      };
    },
    close: () => {
      closeSync(descriptor);
    },
  };
}

function openImage(dir: string, key: Digest): number {
  try {
    return openPlain(layerPaths(dir).image);
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw corruptLayer(key, 'its image is missing', error);
  }
}

function guarded<T>(entry: Entry, use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (isMissing(error) || ['ELOOP', 'EINVAL'].includes(errnoOf(error) ?? '')) throw damaged(entry, error);
    throw fromSystem(error, `reading ${displayPath(entry.path)}`);
  }
}

function damaged({ path }: Entry, cause?: unknown): CachelaneError {
  return new CachelaneError('E_LAYER_CORRUPT', `${displayPath(path)} in a layer differs from what was saved`, {
    hint: '`cachelane verify --repair` removes the layer; the next run saves its contents again',
    cause,
  });
}

function openPlain(file: FilePath): number {
  return openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
}

function digestIn({ digest }: Entry): Digest {
  invariant(digest !== null, 'content without a digest');
  return digest;
}
