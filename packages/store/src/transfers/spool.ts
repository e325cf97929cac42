import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { fromSystem, throwIfAborted } from '../files/file-errors.ts';
import { limits, type Digest, type Spooled } from '@cachelane/core';
import { bytesOf, writeBytes } from './open-bytes.ts';
import { openSpoolFile, type TransferDir } from './spool-file.ts';

/** Reads all the data. Uses a file if the data is too large for memory. */
export async function spoolData(
  data: AsyncIterable<Uint8Array>,
  dir: () => TransferDir,
  signal: AbortSignal,
): Promise<Spooled> {
  const hash = createHash('sha256');
  const spool = new Spool(dir);
  try {
    throwIfAborted(signal);
    for await (const piece of data) {
      throwIfAborted(signal);
      hash.update(piece);
      await spool.add(piece);
    }
    throwIfAborted(signal);
    return await spool.finish(hash.digest('hex') as Digest);
  } catch (error) {
    await spool.close();
    throw error;
  }
}

class Spool {
  readonly #dir: () => TransferDir;
  /** Data not written yet, copied because the source may reuse its memory. */
  readonly #block = Buffer.allocUnsafeSlow(limits.spooledInMemoryBytes);
  #inBlock = 0;
  #written = 0;
  #file: FileHandle | undefined;

  constructor(dir: () => TransferDir) {
    this.#dir = dir;
  }

  async add(piece: Uint8Array): Promise<void> {
    for (let done = 0; done < piece.length;) {
      if (this.#inBlock === this.#block.length) await this.#flush();
      const part = piece.subarray(done, done + this.#block.length - this.#inBlock);
      this.#block.set(part, this.#inBlock);
      this.#inBlock += part.length;
      done += part.length;
    }
  }

  async #flush(): Promise<void> {
    try {
      this.#file ??= await openSpoolFile(this.#dir());
      await writeBytes(this.#file, this.#block.subarray(0, this.#inBlock), this.#written);
    } catch (error) {
      throw fromSystem(error, doing);
    }
    this.#written += this.#inBlock;
    this.#inBlock = 0;
  }

  async finish(digest: Digest): Promise<Spooled> {
    if (this.#file === undefined) return inMemory(new Uint8Array(this.#block.subarray(0, this.#inBlock)), digest);
    await this.#flush();
    return inFile(this.#file, { sizeBytes: this.#written, digest });
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}

const doing = 'storing data to send';

function inMemory(bytes: Uint8Array, digest: Digest): Spooled {
  return {
    sizeBytes: bytes.length,
    digest,
    async *read() {
      if (bytes.length > 0) yield bytes;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function inFile(file: FileHandle, content: Pick<Spooled, 'sizeBytes' | 'digest'>): Spooled {
  return {
    ...content,
    async *read() {
      try {
        yield* bytesOf(file, content.sizeBytes);
      } catch (error) {
        throw fromSystem(error, doing);
      }
    },
    [Symbol.asyncDispose]: async () => await file.close(),
  };
}
