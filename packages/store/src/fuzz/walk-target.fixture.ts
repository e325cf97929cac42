import { digestOf, type Entry, type LayerId } from '@cachelane/core';
import type { Piece } from '../wire/archive.ts';
import type { ArchivePlan } from '../tar/archive-plan.ts';
import { checkIncoming } from '../wire/check-incoming.ts';
import { ownTaker, takePieces } from '../wire/piece-takers.ts';
import { archived } from '../wire/sent-layer.fixture.ts';
import type { ArchiveSink } from '../wire/take-piece.ts';
import { walkArchive, type Walk as Walking } from '../wire/walk-archive.ts';
import {
  behind,
  joined,
  requireThat,
  split,
  type FuzzTarget,
  type Piece as Part,
  type TargetOptions,
} from './fuzz-target.fixture.ts';
import { indexPieces, smallTrees, takeIndex } from './index-target.fixture.ts';
import { piecewise } from './piecewise.fixture.ts';
import { mendSums, tarPieces } from './tar-pieces.fixture.ts';

type Walk = (pieces: AsyncIterable<Piece>, plan: ArchivePlan, walk: Omit<Walking, 'signal'>) => Promise<void>;
type Handed = readonly { readonly entry: Entry; readonly content: Buffer | undefined }[];

const noAbort = new AbortController().signal;

/** Returns indexes and archives, combined by {@link joined}. */
export function layerInputs(seed: number, count: number): readonly Buffer[] {
  return smallTrees(seed, count)
    .map((items) => archived(items))
    .map(({ index, archive }) => joined(index, archive))
    .toSorted((a, b) => a.length - b.length);
}

/** For targets that do not mutate indexes. */
export function archivePieces(input: Buffer): readonly Part[] {
  const [index, archive] = split(input);
  return behind(tarPieces(archive), 4 + index.length);
}

/** The structure of the inputs of {@link layerInputs}. */
export const layerShape: Pick<FuzzTarget, 'pieces' | 'mend'> = {
  pieces(input) {
    return [...behind(indexPieces(split(input)[0]), 4), ...archivePieces(input)];
  },
  mend: (input) => mendSums(split(input)[1]),
};

export const walkPieces: Walk = async (pieces, plan, walk) =>
  await walkArchive(takePieces(pieces, plan, ownTaker(plan, walk.sink)), plan, { ...walk, signal: noAbort });

/** Tests the comparison of an archive with its index, in memory. */
export function walkTarget({ seed }: Pick<TargetOptions, 'seed'>, walk: Walk = walkPieces): FuzzTarget<Handed> {
  return {
    ...layerShape,
    refusals: ['E_LAYER_CORRUPT', 'E_LAYER_REFUSED', 'E_STORE_NEWER'],
    bases: layerInputs(seed, 60),
    async accept(input) {
      const [bytes, archive] = split(input);
      const plan = checkIncoming(digestOf(bytes) as LayerId, bytes);
      const contents = new Map<string, Buffer>();
      const see = ({ path }: Entry, content: Buffer): void => {
        requireThat(!contents.has(path), 'an entry is delivered twice');
        contents.set(path, Buffer.from(content));
      };
      const sink: ArchiveSink = {
        piece: () => {},
        symlink: see,
        file: see,
        async largeFile(entry, content) {
          const parts: Buffer[] = [];
          await content((part) => void parts.push(Buffer.from(part)));
          see(entry, Buffer.concat(parts));
        },
      };
      await walk(cut(archive), plan, { sink, delta: see, passed: () => {} });
      takeIndex(bytes);
      return Array.from(plan.index.entries(), (entry) => ({ entry, content: contents.get(entry.path) }));
    },
    async hold(input, handed) {
      await Promise.resolve();
      const [index, archive] = split(input);
      for (const { entry, content } of handed)
        requireThat(
          entry.digest === (content === undefined ? null : digestOf(content)),
          'a content differs or is missing',
        );
      const again = archived(handed);
      requireThat(Buffer.from(again.index).equals(index), 'an entry was delivered that is not in the index');
      requireThat(again.archive.equals(archive), 'an accepted archive has bytes that do not follow from its index');
    },
    after: () => {},
    close: () => {},
  };
}

async function* cut(archive: Buffer): AsyncGenerator<Piece> {
  for await (const bytes of piecewise(archive)) yield { kind: 'content', bytes, sizeBytes: bytes.length };
}
