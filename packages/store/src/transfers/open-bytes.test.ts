import type { FileHandle } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { bytesOf, writeBytes } from './open-bytes.ts';

/**
 * A file that takes and gives at most three bytes at once, as a disk may that is nearly full, or a signal that comes
 * between.
 */
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

test('a file that takes a part of what it is given is given the rest', async () => {
  const content: number[] = [];
  const file = shortFile(content);
  await writeBytes(file, ten.subarray(0, 7), 0);
  await writeBytes(file, ten.subarray(7), 7);
  expect(content).toEqual([...ten]);
});

test.each([
  [8, [0, 1, 2, 3, 4, 5, 6, 7]],
  [12, [...ten]],
])('of %i bytes that are wanted come those that are there', async (sizeBytes, wanted) => {
  const read: number[] = [];
  for await (const piece of bytesOf(shortFile([...ten]), sizeBytes)) read.push(...piece);
  expect(read).toEqual(wanted);
});
