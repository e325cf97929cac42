import type { FileHandle } from 'node:fs/promises';

/** What a reader gets at once. */
const pieceBytes = 1_048_576;

/**
 * The first bytes of an open file, whoever else reads or writes there; fewer where it is shorter. Pieces are the
 * reader's to keep.
 */
export async function* bytesOf(file: FileHandle, sizeBytes: number): AsyncGenerator<Uint8Array> {
  for (let position = 0; position < sizeBytes;) {
    const room = Buffer.allocUnsafe(Math.min(pieceBytes, sizeBytes - position));
    const { bytesRead } = await file.read(room, 0, room.length, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield room.subarray(0, bytesRead);
  }
}

/** All of them: a disk that is nearly full takes a part of what it is given before it says so. */
export async function writeBytes(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
