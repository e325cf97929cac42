import { open } from 'node:fs/promises';
import type { ObjectContent, ObjectSource } from '@cachelane/core';

const pieceBytes = 1_048_576;

/** A file whose size and digest are known; it is opened anew for each reading. */
export function fileSource(path: string, content: ObjectContent): ObjectSource {
  return {
    sizeBytes: content.sizeBytes,
    digest: content.digest,
    read: () => filePieces(path, 0),
  };
}

/** Pieces are the reader's to keep: none is written to again. */
export async function* filePieces(path: string, offset: number): AsyncIterable<Uint8Array> {
  await using file = await open(path, 'r');
  for (let position = offset; ;) {
    const { bytesRead, buffer } = await file.read(new Uint8Array(pieceBytes), 0, pieceBytes, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
