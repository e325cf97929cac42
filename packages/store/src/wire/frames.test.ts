import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { frameBytes, frameContent, FrameWriter, splitFrames } from './frames.ts';

/** Returns deterministic bytes that zstd cannot compress. */
function noise(count: number): Buffer {
  const parts: Buffer[] = [];
  for (let i = 0; i * 32 < count; i++) parts.push(hash('sha256', String(i), 'buffer'));
  return Buffer.concat(parts).subarray(0, count);
}

async function* written(contents: readonly Buffer[]): AsyncGenerator<Uint8Array> {
  const writer = new FrameWriter();
  for (const content of contents) yield* writer.write(content);
  yield* writer.end();
}

test('frames round-trip when compressible and incompressible content alternate', async () => {
  const contents = [
    Buffer.alloc(frameBytes),
    Buffer.alloc(frameBytes, 'abc'),
    noise(frameBytes),
    Buffer.alloc(frameBytes),
    noise(frameBytes),
    noise(100),
  ];
  const found: Buffer[] = [];
  for await (const frame of splitFrames(written(contents))) found.push(await frameContent(frame));
  expect(found.map(({ length }) => length)).toEqual(contents.map(({ length }) => length));
  expect(Buffer.concat(found).equals(Buffer.concat(contents))).toBe(true);
});

test('the memory of a piece is freed after it is read, unless it is shared', async () => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of written([noise(frameBytes), noise(frameBytes), noise(100)])) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const sizes = [1_000_000, 3_000_000, 200_000, bytes.length - 4_200_000];
  const [alone, shared]: Uint8Array[][] = [[], []];
  for (let i = 0, at = 0; i < sizes.length; at += sizes[i++] as number) {
    alone?.push(Uint8Array.from(bytes.subarray(at, at + (sizes[i] as number))));
    shared?.push(bytes.subarray(at, at + (sizes[i] as number)));
  }
  for (const pieces of [shared, alone]) {
    const source = async function* (): AsyncGenerator<Uint8Array> {
      await Promise.resolve();
      yield* pieces ?? [];
    };
    let sizeBytes = 0;
    for await (const frame of splitFrames(source())) sizeBytes += frame.sizeBytes;
    expect(sizeBytes).toBe(2 * frameBytes + 100);
  }
  // Small buffers may share memory, so they are not freed.
  expect(alone?.map(({ length }) => length)).toEqual([0, 0, 200_000, 0]);
  expect(shared?.map(({ length }) => length)).toEqual(sizes);
});
