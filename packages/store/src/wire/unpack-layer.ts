import {
  closeSync,
  constants,
  futimesSync,
  lutimesSync,
  mkdirSync,
  openSync,
  statfsSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { createHash, hash } from 'node:crypto';
import {
  CachelaneError,
  digestOf,
  displayPath,
  limits,
  type BytePath,
  type Change,
  type Entry,
  type IncomingLayer,
  type StagedEntry,
  type StageRequest,
} from '@cachelane/core';
import { fromSystem, throwIfAborted } from '../layers/file-errors.ts';
import { filePath } from '../layers/file-path.ts';
import { secondsOf, type StoreFiles } from '../layers/store-files.ts';
import { toChangeSet } from '../overlay/overlay-changes.ts';
import { checkIncoming, checkTarget } from './check-incoming.ts';
import { readFrames, refusedWire } from './frames.ts';
import { archiveEndBytes, contentBytes, paddingOf, tarHeader, withTarget } from './tar-entries.ts';

/**
 * Writes an incoming layer's files into `dir` (empty, ours) and says how to stage them. Nothing is taken for what it claims: the archive must
 * be byte for byte the one that follows from the index, and each content must have its digest. Throws E_LAYER_REFUSED with the reason.
 */
export async function unpackLayer(
  incoming: IncomingLayer,
  { dir, files }: { readonly dir: string; readonly files: StoreFiles },
  signal: AbortSignal,
): Promise<StageRequest> {
  const { index, archiveBytes } = checkIncoming(incoming.id, incoming.index);
  requireSpace(dir, archiveBytes);
  const counted = new CountedSource(incoming.data);
  const archive = new Archive(readFrames(counted), counted);
  const changes: Change[] = [];
  const staged: StagedEntry[] = [];
  try {
    for (const entry of index.entries()) {
      throwIfAborted(signal);
      const target = await readHeader(archive, entry);
      staged.push(await place(archive, { dir, entry, target }, changes));
    }
    await archive.expect(Buffer.alloc(archiveEndBytes), 'its end');
    await archive.expectEnd();
  } catch (error) {
    throw fromSystem(error, 'taking in a layer');
  } finally {
    await archive.close();
  }
  return { changes: toChangeSet({ upper: dir, files }, changes), entries: staged, sealedAtMs: incoming.sealedAtMs };
}

function requireSpace(dir: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(dir);
  if (bytes <= bavail * bsize) return;
  throw new CachelaneError('E_DISK_FULL', `a layer takes ${bytes} bytes, and ${bavail * bsize} are free`, {
    hint: 'cachelane gc frees what nothing needs any more',
  });
}

/** Returns the target of a symlink. */
async function readHeader(archive: Archive, entry: Entry): Promise<Buffer | null> {
  const header = tarHeader(entry);
  const { bytes, targetAt } = header;
  const found = await archive.take(bytes.length);
  let target: Buffer | null = null;
  if (targetAt !== null) {
    target = Buffer.from(found.subarray(targetAt, targetAt + entry.sizeBytes));
    if (digestOf(target) !== entry.digest) throw disagree(entry);
    checkTarget(entry, target);
  }
  if (!found.equals(target === null ? bytes : withTarget(header, target))) throw disagree(entry);
  return target;
}

interface Placing {
  readonly dir: string;
  readonly entry: Entry;
  readonly target: Buffer | null;
}

async function place(archive: Archive, { dir, entry, target }: Placing, changes: Change[]): Promise<StagedEntry> {
  const { path, mode, mtimeNs, sizeBytes } = entry;
  if (entry.removed === 'counted' || entry.removed === 'hint') return { from: 'removal', entry };
  const file = filePath(dir, path);
  if (entry.type === 'dir') {
    mkdirSync(file, 0o755);
    changes.push({ kind: 'dir', path, mode, mtimeNs, replaces: entry.removed === 'below' });
    return { from: 'change', entry };
  }
  const seconds = secondsOf(mtimeNs);
  if (target !== null) {
    symlinkSync(target, file);
    lutimesSync(file, seconds, seconds);
    changes.push({ kind: 'symlink', path, mtimeNs, target });
    return { from: 'change', entry };
  }
  if (entry.form === 'delta') return await takeDelta(archive, entry);
  const descriptor = openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
  try {
    await takeContent(archive, entry, (part) => {
      for (let at = 0; at < part.length;) at += writeSync(descriptor, part, at);
    });
    futimesSync(descriptor, seconds, seconds);
  } finally {
    closeSync(descriptor);
  }
  changes.push({ kind: 'file', path, mode, mtimeNs, sizeBytes });
  return { from: 'change', entry };
}

/** What a driver works on, so it is small enough for memory. */
async function takeDelta(archive: Archive, entry: Entry): Promise<StagedEntry> {
  const parts: Buffer[] = [];
  await takeContent(archive, entry, (part) => void parts.push(Buffer.from(part)));
  return { from: 'content', entry, content: Buffer.concat(parts) };
}

async function takeContent(archive: Archive, entry: Entry, use: (part: Buffer) => void): Promise<void> {
  let left = contentBytes(entry);
  const padding = paddingOf(left);
  let sum: ReturnType<typeof createHash> | null = null;
  do {
    const part = await archive.takeSome(left);
    left -= part.length;
    use(part);
    if (sum === null && left === 0) {
      if (hash('sha256', part, 'hex') !== entry.digest) throw disagree(entry);
      break;
    }
    sum ??= createHash('sha256');
    sum.update(part);
  } while (left > 0);
  if (sum !== null && sum.digest('hex') !== entry.digest) throw disagree(entry);
  await archive.expect(Buffer.alloc(padding), 'its padding');
}

function disagree({ path }: { readonly path: BytePath }): CachelaneError {
  return refusedWire(`index and content disagree at ${displayPath(path)}`);
}

/** Counts what comes, so that little that becomes very much is noticed. */
class CountedSource implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncIterable<Uint8Array>;
  bytes = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#source) {
      this.bytes += chunk.length;
      yield chunk;
    }
  }
}

/** The decompressed archive, as a reader that knows what comes wants it. */
class Archive {
  readonly #frames: AsyncGenerator<Buffer>;
  readonly #counted: CountedSource;
  #current: Buffer = Buffer.alloc(0);
  #at = 0;
  #total = 0;

  constructor(frames: AsyncGenerator<Buffer>, counted: CountedSource) {
    this.#frames = frames;
    this.#counted = counted;
  }

  /** Exactly so many bytes. */
  async take(count: number): Promise<Buffer> {
    if (this.#current.length - this.#at >= count) {
      this.#at += count;
      return this.#current.subarray(this.#at - count, this.#at);
    }
    const parts: Buffer[] = [];
    for (let left = count; left > 0;) {
      const part = await this.takeSome(left);
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }

  /** At least one byte and at most so many; none where none is wanted. */
  async takeSome(count: number): Promise<Buffer> {
    if (count === 0) return Buffer.alloc(0);
    while (this.#at === this.#current.length) {
      if (!(await this.#next())) throw refusedWire('it ends too early');
    }
    const part = this.#current.subarray(this.#at, this.#at + count);
    this.#at += part.length;
    return part;
  }

  async expect(bytes: Buffer, what: string): Promise<void> {
    if (!(await this.take(bytes.length)).equals(bytes)) throw refusedWire(`${what} is not what belongs there`);
  }

  async expectEnd(): Promise<void> {
    if (this.#at < this.#current.length || (await this.#next()))
      throw refusedWire('there is more in it than its index says');
  }

  async close(): Promise<void> {
    await this.#frames.return(undefined);
  }

  async #next(): Promise<boolean> {
    const { value, done } = await this.#frames.next();
    if (done === true) return false;
    this.#total += value.length;
    if (this.#total > limits.incomingUnchecked && this.#total > this.#counted.bytes * limits.incomingExpansion) {
      throw refusedWire(`it becomes more than ${limits.incomingExpansion} times as large as it came`);
    }
    this.#current = value;
    this.#at = 0;
    return true;
  }
}
