import { closeSync, constants, openSync, readlinkSync, readSync } from 'node:fs';
import { createHash, hash } from 'node:crypto';
import { CachelaneError, displayPath, invariant, type Digest, type Entry } from '@cachelane/core';
import { errnoOf, fromSystem, isMissing, throwIfAborted } from '../layers/file-errors.ts';
import type { FilePath } from '../layers/file-path.ts';
import { deltaFile, layerPaths } from '../layers/home-paths.ts';
import { OpenAccess } from '../layers/open-access.ts';
import type { StoreFiles } from '../layers/store-files.ts';
import { readLayer, type LayerRef } from '../layers/stored-layer.ts';
import { frameBytes, framesInFlight, FrameWriter } from './frames.ts';
import { archiveEndBytes, contentBytes, paddingOf, tarHeader, withTarget } from './tar-entries.ts';

/** Frames end at entries; one that is larger than what is left begins a frame of its own only where that wastes no more than this. */
const cutBytes = frameBytes / 4;

/**
 * The wire form of a layer, in one pass over its files: each is read once, and held against its digest on the way. Throws E_LAYER_CORRUPT for
 * content that is not what was saved: what is damaged here must not travel.
 */
export async function* packLayer(
  ref: LayerRef,
  files: Pick<StoreFiles, 'setMode'>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { index } = readLayer(ref);
  const access = new OpenAccess(layerPaths(ref.dir).tree, files, (path) => index.find(path)?.mode);
  const frames = new FrameWriter();
  const frame = new Frame();
  try {
    for (const entry of index.entries()) {
      const content = contentBytes(entry);
      const head = headerOf(access, entry);
      if (frame.left < head.length + Math.min(content, cutBytes)) yield* frames.write(frame.take());
      for (let at = 0; at < head.length; at += frameBytes) frame.put(head.subarray(at, at + frameBytes));
      if (content === 0) continue;
      throwIfAborted(signal);
      const source = openContent({ dir: ref.dir, access }, entry);
      try {
        for (const full of source.readInto(frame)) yield* frames.write(full);
      } finally {
        source.close();
      }
      if (frame.left < paddingOf(content)) yield* frames.write(frame.take());
      frame.put(Buffer.alloc(paddingOf(content)));
    }
    if (frame.left < archiveEndBytes) yield* frames.write(frame.take());
    frame.put(Buffer.alloc(archiveEndBytes));
    yield* frames.write(frame.take());
    yield* frames.end();
  } finally {
    access.restore();
  }
}

/** The frame that is being filled. Its memory is used again as soon as the writer is done with it: new buffers cost a third of the time. */
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

  /** Lets `read` fill what is left, or a part of it. */
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

function headerOf(access: OpenAccess, entry: Entry): Buffer {
  const header = tarHeader(entry);
  if (entry.type !== 'symlink' || entry.removed === 'counted' || entry.removed === 'hint') return header.bytes;
  const target = guarded(entry, () => access.run(entry.path, (file) => readlinkSync(file, 'buffer')));
  if (hash('sha256', target, 'hex') !== entry.digest) throw damaged(entry);
  return withTarget(header, target);
}

interface ContentSource {
  /** Yields frames that are full. */
  readInto(frame: Frame): Generator<Buffer>;
  close(): void;
}

function openContent(
  { dir, access }: { readonly dir: string; readonly access: OpenAccess },
  entry: Entry,
): ContentSource {
  const descriptor = guarded(entry, () =>
    entry.form === 'delta' ? openPlain(deltaFile(dir, digestIn(entry))) : access.run(entry.path, openPlain),
  );
  return {
    *readInto(frame) {
      let left = entry.sizeBytes;
      let sum: ReturnType<typeof createHash> | null = null;
      while (left > 0) {
        if (frame.left === 0) yield frame.take();
        const part = frame.fill(left, (into) => readSync(descriptor, into, 0, into.length, null));
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
    },
    close: () => closeSync(descriptor),
  };
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
  return new CachelaneError('E_LAYER_CORRUPT', `${displayPath(path)} in a layer is not what was saved`, {
    hint: 'the next run goes on without it, and makes again what it held',
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
