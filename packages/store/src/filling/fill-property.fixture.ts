import * as fs from 'node:fs';
import type { StoredLayer } from '@cachelane/core';
import { arbitraryTree } from '@cachelane/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLayerHome } from '../home/layer-home.fixture.ts';
import { bringUp } from './bring-up.ts';
import type { FillOptions } from './file-makers.ts';
import { alone, layerOfItems, placeIn, seeFilled } from './fill.fixture.ts';
import { emptyTable } from '../slots/kept-table.ts';

const noAbort = new AbortController().signal;

/** Without deltas: a view has only whole files. */
const arbitraryWhole = arbitraryTree.map((items) => items.filter(({ entry }) => entry.form !== 'delta'));

/** Threads must produce the same as one thread, from nothing and from an existing directory. */
export function fillProperty(name: string, threads: FillOptions, { runs }: { readonly runs: number }): void {
  describe.each([
    ['trees', false],
    ['images', true],
  ] as const)(`${name}, out of %s,`, (_, images) => {
    test('is the same by threads and by one thread', async () => {
      await fc.assert(
        fc.asyncProperty(arbitraryWhole, arbitraryWhole, async (below, above) => {
          await using home = await createLayerHome({ images });
          const base = await layerOfItems(home, below);
          const top = await layerOfItems(home, above);
          const views: readonly (readonly StoredLayer[])[] = [[base], [top, base], [top], [base]];
          const seen = await Promise.all(
            [alone, threads].map(async (fill, i) => {
              const place = placeIn(home, `${i}`, fill);
              const looks: ReturnType<typeof seeFilled>[] = [];
              let table = emptyTable;
              for (const view of views) {
                table = await bringUp(place, table, view, null, noAbort);
                looks.push(seeFilled(place.tree, table));
                expect(fs.readdirSync(place.scratch)).toEqual([]);
              }
              return looks;
            }),
          );
          expect(seen[1]).toEqual(seen[0]);
          expect(seen.flat(2).filter(({ isNoted }) => !isNoted)).toEqual([]);
        }),
        { numRuns: runs, endOnFailure: true },
      );
    });
  });
}
