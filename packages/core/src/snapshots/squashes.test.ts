import { describe, expect, test } from 'vitest';
import type { LayerId } from '../layers/entry.ts';
import { limits } from '../base/limits.ts';
import { Squashes, type SquashRecord } from './squashes.ts';

const id = (name: string): LayerId => name as LayerId;
const squash = (name: string, ...layers: readonly string[]): SquashRecord => ({
  id: id(name),
  layers: layers.map(id),
  atMs: 1,
});

const chain = (depth: number): readonly SquashRecord[] =>
  Array.from({ length: depth }, (_, index) => squash(`s${index}`, `s${index + 1}`, `a${index}`));

/** Counts the steps of expanding a squash, which may not end for bad records. */
function steps(squashes: Squashes, from: string): number {
  const left = [id(from)];
  let count = 0;
  for (let next = left.pop(); next !== undefined && count < 100_000; next = left.pop()) {
    left.push(...squashes.partsOf(next));
    count += 1;
  }
  return count;
}

describe('records from other machines', () => {
  test('are used as given', () => {
    const squashes = new Squashes([squash('s', 'a', 't'), squash('t', 'b', 'c'), squash('u')]);
    expect(squashes.expand([id('s'), id('d')])).toEqual(['a', 'b', 'c', 'd']);
    expect(squashes.records.map((each) => each.id)).toEqual(['s', 't']);
  });

  test.each([
    ['itself', [squash('s', 's', 'a')], []],
    ['one that stands for it', [squash('a', 's'), squash('s', 'a', 'b')], ['s']],
    ['the same, the other way round', [squash('s', 'a', 'b'), squash('a', 's')], ['a']],
    ['one far below', [squash('s', 'a', 't'), squash('t', 'u', 'b'), squash('u', 's', 'c')], ['s', 'u']],
  ])('cannot make a squash contain %s: expanding it ends', (_, records, left) => {
    const squashes = new Squashes(records);
    for (const each of records) expect(steps(squashes, each.id)).toBeLessThan(10);
    expect(squashes.records.map((each) => each.id)).toEqual(left);
  });

  test('may be nested as deep as on real lanes, and no deeper', () => {
    const usual = new Squashes(chain(100));
    expect(usual.records).toHaveLength(100);
    expect(usual.expand([id('s0')])).toHaveLength(101);
    const deep = new Squashes(chain(20_000));
    expect(deep.expand(deep.records.map((each) => each.id)).length).toBeGreaterThan(20_000);
    expect(steps(deep, 's0')).toBeLessThan(2 * limits.squashDepth + 2);
  });
});
