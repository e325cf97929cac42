import { open } from 'node:fs/promises';
import type { ObjectContent, ObjectSource } from '@cachelane/core';

const pieceBytes = 1_048_576;

/** Returns a file of known size and digest as a source; each read opens it again. */
export function fileSource(path: string, content: ObjectContent): ObjectSource {
  return {
    sizeBytes: content.sizeBytes,
    digest: content.digest,
    read: () => filePieces(path, 0),
  };
}

/** Yields pieces, which the reader may keep. */
export async function* filePieces(path: string, offset: number): AsyncIterable<Uint8Array> {
  await using file = await open(path, 'r');
  for (let position = offset; ;) {
    const { bytesRead, buffer } = await file.read(new Uint8Array(pieceBytes), 0, pieceBytes, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
