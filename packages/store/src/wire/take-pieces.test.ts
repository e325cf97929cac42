import { openIndex, type Entry } from '@cachelane/core';
import { arbitraryTree, contentEntry, type TreeItem } from '@cachelane/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Piece } from './archive.ts';
import { planArchive, PiecePlacer, wireEntries } from '../tar/archive-plan.ts';
import { ownTaker, takePieces } from './piece-takers.ts';
import { archived } from './sent-layer.fixture.ts';
import { hasContent } from '../tar/tar-entries.ts';
import type { ArchiveSink } from './take-piece.ts';
import { walkArchive } from './walk-archive.ts';

const noAbort = new AbortController().signal;

async function* cut(archive: Buffer, sizes: readonly number[]): AsyncGenerator<Piece> {
  await Promise.resolve();
  let at = 0;
  for (let i = 0; at < archive.length; i++) {
    const sizeBytes = Math.min(sizes[i % sizes.length] ?? 1, archive.length - at);
    yield { kind: 'content', bytes: Buffer.from(archive.subarray(at, at + sizeBytes)), sizeBytes };
    at += sizeBytes;
  }
}

interface Seen {
  readonly contents: ReadonlyMap<string, string>;
  readonly archive: Buffer;
  readonly passed: readonly number[];
}

/** Reads an archive in pieces of the given sizes, repeated. Returns what came out. */
async function taken(index: Uint8Array, archive: Buffer, sizes: readonly number[]): Promise<Seen> {
  const plan = planArchive(openIndex(index));
  const contents = new Map<string, string>();
  const passed: number[] = [];
  const whole = Buffer.alloc(archive.length);
  const see = ({ path }: Entry, content: Buffer): void => {
    expect(contents.has(path)).toBe(false);
    contents.set(path, content.toString('latin1'));
  };
  const sink: ArchiveSink = {
    piece: (at, content) => void content.copy(whole, at),
    symlink: see,
    file: see,
    async largeFile(entry, content) {
      const parts: Buffer[] = [];
      await content((part) => void parts.push(Buffer.from(part)));
      see(entry, Buffer.concat(parts));
    },
  };
  const pieces = takePieces(cut(archive, sizes), plan, ownTaker(plan, sink));
  await walkArchive(pieces, plan, { sink, delta: see, passed: (place) => void passed.push(place), signal: noAbort });
  for (const { entry, linkedTo } of wireEntries(plan)) {
    if (linkedTo !== null) see(entry, Buffer.from(contents.get(linkedTo) ?? '', 'latin1'));
  }
  return { contents, archive: whole, passed };
}

function expected(items: readonly TreeItem[]): ReadonlyMap<string, string> {
  return new Map(
    items.flatMap(({ entry, content }): readonly [string, string][] =>
      entry.type === 'symlink' || hasContent(entry)
        ? [[entry.path, Buffer.from(content ?? []).toString('latin1')]]
        : [],
    ),
  );
}

const arbitrarySizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 600 }), fc.constantFrom(512, 1024, 5120, 100_000)), {
  minLength: 1,
  maxLength: 5,
});

test('each entry comes out once and whole, whatever the pieces', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryTree, arbitrarySizes, async (items, sizes) => {
      const { index, archive } = archived(items);
      const seen = await taken(index, archive, sizes);
      expect(seen.contents).toEqual(expected(items));
      expect(seen.archive.equals(archive)).toBe(true);
      expect(seen.passed).toEqual(seen.passed.toSorted((a, b) => a - b));
      expect(seen.passed.at(-1) ?? 0).toBe(items.length);
    }),
    { numRuns: 60 },
  );
});

test('an archive with any changed byte is refused, whatever the pieces', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryTree, arbitrarySizes, fc.nat(), async (items, sizes, where) => {
      const { index, archive } = archived(items);
      const at = where % archive.length;
      archive[at] = (archive[at] as number) ^ 1;
      await expect(taken(index, archive, sizes)).rejects.toMatchObject({ code: 'E_LAYER_REFUSED' });
    }),
    { numRuns: 60 },
  );
});

test('an archive that is too short or too long is refused', async () => {
  const content = Buffer.alloc(3000, 'x');
  const { index, archive } = archived([{ entry: contentEntry('f', content).entry, content }]);
  await expect(taken(index, archive.subarray(0, -512), [700])).rejects.toThrow(/ends too early/);
  await expect(taken(index, Buffer.concat([archive, Buffer.alloc(512)]), [700])).rejects.toThrow(/more content/);
});

test('a piece processes exactly the entries that are whole in it', () => {
  const items = ['a', 'b', 'c'].map((path) => {
    const content = Buffer.alloc(512, path);
    return { entry: contentEntry(path, content).entry, content };
  });
  const plan = planArchive(openIndex(archived(items).index));
  const each = (plan.starts[1] ?? 0) - (plan.starts[0] ?? 0);
  const placer = new PiecePlacer(plan);
  expect(placer.place(each)).toEqual({ at: 0, first: 0, end: 1 });
  expect(placer.place(each - 1)).toEqual({ at: each, first: 1, end: 1 });
  expect(placer.place(each + 1)).toEqual({ at: 2 * each - 1, first: 2, end: 3 });
});
