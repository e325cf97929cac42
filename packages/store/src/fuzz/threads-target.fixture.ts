import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, isCachelaneError, type LayerId } from '@cachelane/core';
import { imageHeadBytes } from '../image/erofs-format.ts';
import { realFiles } from '../files/store-files.ts';
import type { Piece } from '../wire/archive.ts';
import type { ArchivePlan } from '../tar/archive-plan.ts';
import { checkIncoming } from '../wire/check-incoming.ts';
import { openSink } from '../wire/piece-sinks.ts';
import { ownTaker, takePieces, type PieceTaker } from '../wire/piece-takers.ts';
import { PieceThreads } from '../wire/piece-threads.ts';
import { walkArchive } from '../wire/walk-archive.ts';
import { requireThat, split, type FuzzTarget, type TargetOptions } from './fuzz-target.fixture.ts';
import { archivePieces, layerInputs, layerShape } from './walk-target.fixture.ts';

type Threads = (plan: ArchivePlan, index: Uint8Array, descriptor: number) => PieceTaker;

const noAbort = new AbortController().signal;
/** Small, so that an input has several pieces, and most entries are whole in one. */
const pieceBytes = 8192;

export function realThreads(plan: ArchivePlan, index: Uint8Array, descriptor: number): PieceThreads {
  const threads = PieceThreads.start(plan, index, { kind: 'image', descriptor });
  if (threads === null) throw new Error('no thread can start here');
  return threads;
}

/**
 * Tests the threads that unpack pieces, with inputs of any size. They must accept and refuse the same as one
 * process alone.
 */
export function threadsTarget({ seed, dir }: TargetOptions, open: Threads = realThreads): FuzzTarget<Buffer> {
  return {
    ...layerShape,
    refusals: ['E_LAYER_CORRUPT', 'E_LAYER_REFUSED', 'E_STORE_NEWER'],
    bases: layerInputs(seed, 15),
    pieces: archivePieces,
    async accept(input) {
      const [index, archive] = split(input);
      const plan = checkIncoming(digestOf(index) as LayerId, index);
      const verdicts: (Error | null)[] = [];
      for (const name of ['threads', 'alone']) {
        const file = join(dir, name);
        const descriptor = openSync(file, 'w+');
        const place = { kind: 'image', descriptor } as const;
        const sink = openSink(place, realFiles);
        try {
          await using taker = name === 'threads' ? open(plan, index, descriptor) : ownTaker(plan, sink);
          const walk = { sink, delta: () => {}, passed: () => {}, signal: noAbort };
          verdicts.push(await verdict(walkArchive(takePieces(cut(archive), plan, taker), plan, walk)));
        } finally {
          closeSync(descriptor);
        }
      }
      const [threads, alone] = verdicts;
      // Which of several faults is found first depends on how far each reads ahead.
      requireThat((threads === null) === (alone === null), 'threads and one process accept different archives');
      if (alone) throw alone;
      return readFileSync(join(dir, 'threads'));
    },
    async hold(input, image) {
      await Promise.resolve();
      requireThat(image.subarray(imageHeadBytes).equals(split(input)[1]), 'threads write a different image');
    },
    after: () => {},
    close: () => {},
  };
}

async function verdict(walked: Promise<void>): Promise<Error | null> {
  try {
    await walked;
    return null;
  } catch (error) {
    if (isCachelaneError(error)) return error;
    throw error;
  }
}

async function* cut(archive: Buffer): AsyncGenerator<Piece> {
  for (let at = 0; at < archive.length; at += pieceBytes) {
    await Promise.resolve();
    const bytes = Buffer.from(archive.subarray(at, at + pieceBytes));
    yield { kind: 'content', bytes, sizeBytes: bytes.length };
  }
}
