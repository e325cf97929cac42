import {
  digestOf,
  encodeIndex,
  isBelow,
  isSpecial,
  openIndex,
  parentPath,
  type Entry,
  type LayerId,
  type LayerIndex,
} from '@cachelane/core';
import { arbitraryEntries, arbitraryTree, indexFault } from '@cachelane/testkit';
import fc from 'fast-check';
import { checkIncoming } from '../wire/check-incoming.ts';
import { refusedWire } from '../wire/frames.ts';
import { requireThat, type FuzzTarget, type Piece, type TargetOptions } from './fuzz-target.fixture.ts';

/** Reads the index of an incoming layer. Throws E_LAYER_REFUSED if it is not in canonical form. */
export function takeIndex(bytes: Uint8Array): LayerIndex {
  const { index } = checkIncoming(digestOf(bytes) as LayerId, bytes);
  if (!isSame(encodeIndex(index.entries()), bytes)) throw refusedWire('its index is not in canonical form');
  return index;
}

/** Tests the decoder of indexes and the checks of incoming ones. */
export function indexTarget(
  { seed }: Pick<TargetOptions, 'seed'>,
  take: (bytes: Uint8Array) => LayerIndex = takeIndex,
): FuzzTarget<readonly Entry[]> {
  return {
    refusals: ['E_LAYER_CORRUPT', 'E_LAYER_REFUSED', 'E_STORE_NEWER'],
    bases: [
      ...fc.sample(arbitraryEntries, { seed, numRuns: 40 }),
      ...smallTrees(seed, 40).map((items) => items.map(({ entry }) => entry)),
    ]
      .map((entries) => Buffer.from(encodeIndex(entries)))
      .toSorted((a, b) => a.length - b.length),
    pieces: indexPieces,
    mend: () => {},
    async accept(input) {
      await Promise.resolve();
      askEverything(openIndex(input));
      return [...take(input).entries()];
    },
    async hold(input, entries) {
      await Promise.resolve();
      requireThat(isSame(encodeIndex(entries), input), 'an accepted index differs from the encoding of its entries');
      const directories = new Set(['', ...entries.filter(isDirectory).map(({ path }) => path)]);
      for (const { path, removed } of entries)
        requireThat(
          removed === 'hint' || directories.has(parentPath(path)),
          'an accepted entry has no parent directory',
        );
    },
    after: () => {},
    close: () => {},
  };
}

/** Returns trees without large directories, which would only slow the tests down. */
export function smallTrees(seed: number, count: number) {
  return fc
    .sample(arbitraryTree, { seed, numRuns: 3 * count })
    .filter(
      (items) => items.length < 60 && items.reduce((sum, { content }) => sum + (content?.length ?? 0), 0) < 100_000,
    )
    .slice(0, count);
}

function isDirectory({ type, removed }: Entry): boolean {
  return type === 'dir' && removed !== 'counted' && removed !== 'hint';
}

/** Checks that all queries agree. Throws what decoding throws. */
function askEverything(index: LayerIndex): void {
  const entries = [...index.entries()];
  requireThat(entries.length === index.count, 'the number of entries differs from the header');
  requireThat(indexFault(entries) === null, 'an opened index has invalid entries');
  const specials = [...index.special()].map(({ path }) => path);
  requireThat(
    isSame(
      specials,
      entries.filter(isSpecial).map(({ path }) => path),
    ),
    'the special entries differ',
  );
  for (const { path } of entries.slice(0, 40)) {
    requireThat(index.find(path)?.path === path, 'an existing entry is not found');
    const below = [...index.below(path)].map((each) => each.path);
    const wanted = entries.filter((each) => isBelow(each.path, path)).map((each) => each.path);
    requireThat(isSame(below, wanted), 'the entries below a path differ');
    for (const other of [`${path}\0`, `${path}/x/y`, path.slice(0, -1)] as (typeof path)[])
      requireThat(
        entries.some((each) => each.path === other) || index.find(other) === undefined,
        'a missing entry is found',
      );
  }
}

function isSame(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const recordFields = [32, 40, 48, 52, 56, 60].map((at) => ({ at, bytes: at < 48 ? 8 : 4 }));

/**
 * Returns the numbers of the header, the records and the tables (docs/reference/store-format.md, "Index, version
 * 1").
 */
export function indexPieces(input: Buffer): readonly Piece[] {
  if (input.length < 64) return [];
  const pieces: Piece[] = [];
  const add = (kind: Piece['kind'], at: number, bytes: number): void => {
    if (at + bytes <= input.length) pieces.push({ kind, at, bytes });
  };
  for (let at = 8; at < 64; at += 4) add('little', at, 4);
  const [entries = 0, specials = 0, directories = 0, attributes = 0, sets = 0, refs = 0, runs = 0, groups = 0] =
    Array.from({ length: 8 }, (_, i) => Math.min(input.readUInt32LE(16 + 4 * i), 200));
  let at = 64;
  for (let i = 0; i < entries; i++, at += 64) {
    add('block', at, 64);
    for (const field of recordFields) add('little', at + field.at, field.bytes);
  }
  for (let i = 0; i < attributes; i++, at += 16) {
    add('block', at, 16);
    for (let code = 0; code < 4; code++) add('little', at + code, 1);
    for (const [field, bytes] of [
      [4, 2],
      [6, 2],
      [8, 4],
      [12, 4],
    ] as const)
      add('little', at + field, bytes);
  }
  for (let i = 0; i < specials + directories + groups + sets + refs; i++, at += 4) add('little', at, 4);
  for (let i = 0; i < runs; i++, at += 16) add('block', at, 16);
  return pieces;
}
