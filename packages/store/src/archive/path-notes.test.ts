import { ancestors, isBelow, type BytePath } from '@cachelane/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PathNotes } from './path-notes.ts';

const anyPath = fc
  .array(fc.constantFrom('a', 'b', 'a.b'), { minLength: 0, maxLength: 4 })
  .map((names) => names.join('/') as BytePath);
const anyStep = fc.record({ act: fc.constantFrom('set', 'delete', 'deleteBelow'), path: anyPath } as const);

describe('notes of paths', () => {
  test('are found without visiting others, 100,000 times among 100,000', () => {
    const notes = new PathNotes<number>();
    const paths = Array.from({ length: 100_000 }, (_, index) => `d/${index}` as BytePath);
    for (const [index, path] of paths.entries()) notes.set(path, index);
    for (const path of paths) notes.deleteBelow(path);
    expect([...notes.entries()]).toHaveLength(paths.length);
  });

  test('match a plain map', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 40 }), fc.array(anyPath, { maxLength: 10 }), (steps, asked) => {
        const notes = new PathNotes<number>();
        const model = new Map<BytePath, number>();
        for (const [index, { act, path }] of steps.entries()) {
          if (act === 'set') notes.set(path, index);
          else notes[act](path);
          if (act === 'set') model.set(path, index);
          else if (act === 'delete') model.delete(path);
          else for (const each of model.keys()) if (isBelow(each, path)) model.delete(each);
        }
        const seen = [...notes.entries()];
        expect(new Map(seen)).toEqual(model);
        const order = seen.map(([path]) => path);
        for (const path of order) {
          for (const above of ancestors(path))
            if (model.has(above)) expect(order.indexOf(above)).toBeLessThan(order.indexOf(path));
        }
        for (const path of asked) {
          expect(notes.get(path)).toBe(model.get(path));
          expect(notes.above(path)).toBe([...ancestors(path)].findLast((each) => model.has(each)) ?? null);
        }
      }),
    );
  });
});
