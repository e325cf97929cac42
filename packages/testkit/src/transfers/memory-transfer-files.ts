import {
  CachelaneError,
  digestOf,
  invariant,
  limits,
  type Digest,
  type PartialDownload,
  type Spooled,
  type TransferFiles,
} from '@cachelane/core';

interface MemoryPart {
  bytes: Uint8Array;
  changedAtMs: number;
}

/** Shared by the processes of one home. */
export interface MemoryTransferState {
  readonly parts: Map<Digest, MemoryPart>;
}

export function emptyTransferState(): MemoryTransferState {
  return { parts: new Map() };
}

export interface MemoryTransferOptions {
  readonly state?: MemoryTransferState;
  readonly nowMs?: () => number;
}

/** Transfers without files; processes with the same `state` share a home. Spooled data ends with its process. */
export function memoryTransferFiles({
  state: { parts } = emptyTransferState(),
  nowMs = () => 0,
}: MemoryTransferOptions = {}): TransferFiles {
  return {
    spool: spoolInMemory,
    async resume(object, signal) {
      throwIfAborted(signal);
      const part = parts.get(object) ?? { bytes: new Uint8Array(), changedAtMs: nowMs() };
      parts.set(object, part);
      return partialDownload({ part, parts, object, nowMs }, signal);
    },
    async sweep(now, signal) {
      throwIfAborted(signal);
      const stale = [...parts].filter(([, { changedAtMs }]) => now - changedAtMs > limits.partialDownloadMs);
      for (const [object] of stale) parts.delete(object);
      return stale.map(([object]) => `unfinished download ${object}`);
    },
  };
}

async function spoolInMemory(data: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Spooled> {
  throwIfAborted(signal);
  const pieces: Uint8Array[] = [];
  for await (const piece of data) {
    throwIfAborted(signal);
    pieces.push(Uint8Array.from(piece));
  }
  throwIfAborted(signal);
  const bytes = Uint8Array.from(Buffer.concat(pieces));
  return {
    sizeBytes: bytes.length,
    digest: digestOf(bytes),
    read: () => inHalves(bytes),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Two pieces, so that callers do not rely on one. */
async function* inHalves(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  const half = bytes.length >> 1;
  for (const piece of [bytes.slice(0, half), bytes.slice(half)]) if (piece.length > 0) yield piece;
}

interface OpenMemoryPart {
  readonly part: MemoryPart;
  readonly parts: Map<Digest, MemoryPart>;
  readonly object: Digest;
  readonly nowMs: () => number;
}

function partialDownload({ part, parts, object, nowMs }: OpenMemoryPart, signal: AbortSignal): PartialDownload {
  const haveBytes = part.bytes.length;
  let position = haveBytes;
  let isOpen = true;
  return {
    haveBytes,
    async *read() {
      throwIfAborted(signal);
      for await (const piece of inHalves(part.bytes.slice(0, haveBytes))) {
        throwIfAborted(signal);
        yield piece;
      }
    },
    async append(piece) {
      throwIfAborted(signal);
      invariant(isOpen, 'appending to a download that was disposed of');
      const bytes = new Uint8Array(Math.max(part.bytes.length, position + piece.length));
      bytes.set(part.bytes);
      bytes.set(piece, position);
      position += piece.length;
      part.bytes = bytes;
      part.changedAtMs = nowMs();
    },
    async discard() {
      invariant(isOpen, 'discarding a download that was disposed of');
      if (parts.get(object) === part) parts.delete(object);
    },
    async [Symbol.asyncDispose]() {
      isOpen = false;
    },
  };
}

function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new CachelaneError('E_ABORTED', 'stopped on request', { cause: signal.reason });
}
