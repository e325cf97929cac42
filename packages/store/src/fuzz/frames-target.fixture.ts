import { spawnSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import { framePieces } from '../wire/archive.ts';
import { frameBytes, frameContent, FrameWriter } from '../wire/frames.ts';
import { noise } from '@cachelane/testkit';
import { requireThat, type FuzzTarget, type Piece } from './fuzz-target.fixture.ts';
import { piecewise } from './piecewise.fixture.ts';

type Read = (source: AsyncIterable<Uint8Array>) => AsyncIterable<Buffer>;

const leadBytes = 16;
const magic = 0x18_4d_2a_50;

/** Lists of frames, with sizes around every limit of the format. */
const contents: readonly (readonly Buffer[])[] = [
  [Buffer.from('x')],
  [Buffer.from('a short content that has something in it twice, in it twice')],
  [Buffer.alloc(1_048_576), Buffer.from('x')],
  [Buffer.alloc(1_048_577, 7), Buffer.alloc(2_000_000, 'ab'), Buffer.alloc(1_048_576, 1)],
  [Buffer.alloc(frameBytes, 9)],
  [Buffer.from(noise(300))],
  [Buffer.from(noise(140_000))],
];

/** Yields the contents of an archive's frames, like the reader of incoming layers. */
export async function* contentsOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const { bytes, sizeBytes } of framePieces(source))
    yield await frameContent({ compressed: bytes, sizeBytes });
}

/** Tests the reader of frames. */
export async function framesTarget(read: Read = contentsOf): Promise<FuzzTarget<Accepted>> {
  const bases = await Promise.all(contents.map(framed));
  return {
    refusals: ['E_LAYER_REFUSED'],
    bases: bases.toSorted((a, b) => a.length - b.length),
    pieces: partsOfFrames,
    mend: mendLeads,
    async accept(input) {
      const sizes: number[] = [];
      const digests: string[] = [];
      for await (const content of read(piecewise(input))) {
        sizes.push(content.length);
        digests.push(hash('sha256', content, 'hex'));
      }
      return { sizes, digests };
    },
    async hold(input, { sizes, digests }) {
      await Promise.resolve();
      const frames = [...framesIn(input)];
      requireThat(frames.length === sizes.length, 'the reader returned another number of frames');
      const asTool = spawnSync('zstd', ['-dc'], { input, maxBuffer: 1 << 30 });
      requireThat(
        // Empty input is not an archive: a later step detects that.
        asTool.error !== undefined ||
          frames.length === 0 ||
          (asTool.status === 0 && asTool.stdout.length === sizes.reduce((sum, size) => sum + size, 0)),
        'zstd cannot read an accepted archive',
      );
      for (const [i, { compressed, sizeBytes }] of frames.entries()) {
        requireThat(sizes[i] === sizeBytes && sizeBytes <= frameBytes, 'the size of a frame differs from its header');
        requireThat(i === frames.length - 1 || sizeBytes >= 1_048_576, 'a small frame comes before the last one');
        const content = zstdDecompressSync(compressed, { maxOutputLength: frameBytes });
        requireThat(
          hash('sha256', content, 'hex') === digests[i],
          'the reader returned a frame with different content',
        );
      }
    },
    after: () => {},
    close: () => {},
  };
}

interface Accepted {
  readonly sizes: readonly number[];
  readonly digests: readonly string[];
}

/** Writes the parts with {@link FrameWriter}. */
async function framed(parts: readonly Buffer[]): Promise<Buffer> {
  const writer = new FrameWriter();
  const chunks: Uint8Array[] = [];
  for (const part of parts) for await (const chunk of writer.write(part)) chunks.push(chunk);
  for await (const chunk of writer.end()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

interface FoundFrame {
  readonly at: number;
  readonly compressed: Buffer;
  readonly sizeBytes: number;
}

/** Yields frames as long as they follow each other. */
export function* framesIn(input: Buffer): Generator<FoundFrame> {
  for (let at = 0; at + leadBytes <= input.length;) {
    const need = input.readUInt32LE(at + 8);
    const compressed = input.subarray(at + leadBytes, at + leadBytes + need);
    yield { at, compressed, sizeBytes: input.readUInt32LE(at + 12) };
    at += leadBytes + need;
  }
}

function partsOfFrames(input: Buffer): readonly Piece[] {
  return [...framesIn(input)]
    .slice(0, 50)
    .flatMap(({ at, compressed }): readonly Piece[] => [
      ...[0, 4, 8, 12].map((field) => ({ kind: 'little', at: at + field, bytes: 4 }) as const),
      { kind: 'block', at, bytes: leadBytes + compressed.length },
      { kind: 'block', at: at + leadBytes, bytes: compressed.length },
    ]);
}

/** Sets each frame's size to the distance to the next frame. */
function mendLeads(input: Buffer): void {
  const starts: number[] = [];
  for (let at = 0; at + leadBytes <= input.length; at++) if (input.readUInt32LE(at) === magic) starts.push(at);
  for (const [i, at] of starts.entries()) {
    const need = (starts[i + 1] ?? input.length) - at - leadBytes;
    if (need >= 0) input.writeUInt32LE(need, at + 8);
  }
}
