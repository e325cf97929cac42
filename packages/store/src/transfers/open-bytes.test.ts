import type { FileHandle } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { bytesOf, writeBytes } from './open-bytes.ts';

/** Returns a file that reads and writes at most three bytes at once, like a nearly full disk or an interrupted call. */
function shortFile(content: number[]): FileHandle {
  const atOnce = 3;
  return {
    write: (bytes: Uint8Array, offset: number, length: number, position: number) => {
      const part = bytes.subarray(offset, offset + Math.min(length, atOnce));
      content.splice(position, part.length, ...part);
      return Promise.resolve({ bytesWritten: part.length, buffer: bytes });
    },
    read: (room: Uint8Array, offset: number, length: number, position: number) => {
      const part = content.slice(position, position + Math.min(length, atOnce));
      room.set(part, offset);
      return Promise.resolve({ bytesRead: part.length, buffer: room });
    },
  } as unknown as FileHandle;
}

const ten = Uint8Array.from({ length: 10 }, (_, index) => index);

test('a partial write is continued', async () => {
  const content: number[] = [];
  const file = shortFile(content);
  await writeBytes(file, ten.subarray(0, 7), 0);
  await writeBytes(file, ten.subarray(7), 7);
  expect(content).toEqual([...ten]);
});

test.each([
  [8, [0, 1, 2, 3, 4, 5, 6, 7]],
  [12, [...ten]],
])('a read of %i bytes returns the bytes that exist', async (sizeBytes, wanted) => {
  const read: number[] = [];
  for await (const piece of bytesOf(shortFile([...ten]), sizeBytes)) read.push(...piece);
  expect(read).toEqual(wanted);
});
