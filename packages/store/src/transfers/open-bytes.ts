import type { FileHandle } from 'node:fs/promises';

/** Maximum size of a piece. */
const pieceBytes = 1_048_576;

/**
 * Yields the first bytes of an open file, fewer if it is shorter. Other processes may use the file too. The reader
 * may keep the pieces.
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

/** Writes all bytes. A nearly full disk may accept only a part before it reports an error. */
export async function writeBytes(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
