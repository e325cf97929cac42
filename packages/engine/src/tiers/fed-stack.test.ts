import fc from 'fast-check';
import { type LayerId, Squashes } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { fedStack, onLineage } from './fed-stack.ts';

const ids = (text: string): readonly LayerId[] => text.split(' ').filter((id) => id !== '') as LayerId[];
/** Here, names of clean-up layers begin with P. */
const isCleanUp = (id: LayerId): boolean => id.startsWith('P');

const squashesOf = (text = ''): Squashes =>
  new Squashes(
    ids(text).map((each) => {
      const [id = '', layers = ''] = each.split('=');
      return { id: id as LayerId, layers: layers.split(',') as LayerId[], atMs: 0 };
    }),
  );

interface Case {
  readonly title: string;
  readonly own: string;
  readonly tier: string;
  readonly fed: string;
  /** `S=b,a` */
  readonly squashes?: string;
}

const merging: readonly Case[] = [
  { title: 'an empty tier gets everything', own: 'b a', tier: '', fed: 'b a' },
  { title: 'present layers are not added again', own: 'b a', tier: 'x b a', fed: 'x b a' },
  { title: 'new layers are on top of what others fed', own: 'b a', tier: 'x a', fed: 'b x a' },
  { title: 'layers of others are kept', own: 'a', tier: 'x y', fed: 'a x y' },
  {
    title: 'a squash of the own lane is compared by its parts',
    own: 'c S',
    tier: '',
    squashes: 'S=b,a',
    fed: 'c b a',
  },
  { title: 'a squash that the tier has too stays one', own: 'c S', tier: 'S', squashes: 'S=b,a', fed: 'c S' },
  { title: 'a squash of the tier stays one', own: 'c b a', tier: 'x T', squashes: 'T=b,a', fed: 'c x T' },
  { title: 'a squash that the tier does not know stays a layer', own: 'c S', tier: 'x', fed: 'c S x' },
  { title: 'files that a clean-up of the own lane removed stay in the tier', own: 'b P a', tier: 'a', fed: 'b a' },
  { title: 'layers that a clean-up of the tier removed are fed again', own: 'b a', tier: 'P a x', fed: 'b a P x' },
  { title: 'but layers above it do not move', own: 'c b a', tier: 'b P a x', fed: 'c b a P x' },
];

const replacing: readonly Case[] = [
  { title: 'replaces what others fed', own: 'b a', tier: 'x y', fed: 'b a' },
  { title: 'clean-ups too', own: 'b P a', tier: 'a', fed: 'b P a' },
  { title: 'changes nothing if it is the same', own: 'S', tier: 'b a', squashes: 'S=b,a', fed: 'b a' },
];

const fed = (merges: boolean, { own, tier, squashes }: Omit<Case, 'title' | 'fed'>): readonly LayerId[] =>
  fedStack({ own: ids(own), tier: ids(tier), squashes: squashesOf(squashes), isCleanUp, merges });

describe('a tier that is merged', () => {
  test.each(merging)('$title', ({ fed: wanted, ...given }) => {
    expect(fed(true, given)).toEqual(ids(wanted));
  });

  const stack = fc.uniqueArray(fc.constantFrom(...'abcdefPQ'), { maxLength: 8 }).map((each) => each.join(' '));
  test('has all fed layers above its clean-ups, and keeps its own; a second feed changes nothing', () => {
    fc.assert(
      fc.property(stack, stack, (own, tier) => {
        const after = fed(true, { own, tier });
        const lid = after.findIndex((id) => isCleanUp(id));
        const above = new Set(lid < 0 ? after : after.slice(0, lid));
        for (const id of ids(own)) if (!isCleanUp(id)) expect(above).toContain(id);
        for (const id of ids(tier)) expect(after).toContain(id);
        expect(new Set(after).size).toBe(after.length);
        expect(fed(true, { own, tier: after.join(' ') })).toEqual(after);
      }),
    );
  });
});

describe('a tier that is one snapshot', () => {
  test.each(replacing)('$title', ({ fed: wanted, ...given }) => {
    expect(fed(false, given)).toEqual(ids(wanted));
  });
});

test.each([
  { title: 'nothing was below', head: 'b a', lineage: '', wanted: 'b a' },
  { title: 'a first save', head: 'n', lineage: 't u', wanted: 'n t u' },
  { title: 'another run was first, on the same base', head: 'n o t u', lineage: 't u', wanted: 'n o t u' },
  { title: 'another run was first, without a base', head: 'n o', lineage: 't u', wanted: 'n o t u' },
  { title: 'another run saw an older state', head: 'n o u', lineage: 't u', wanted: 'n o t u' },
  { title: 'another run saw a newer state', head: 'n o v t u', lineage: 't u', wanted: 'n o v t u' },
  { title: 'the bottom layer was missing', head: 'n o t', lineage: 't u', wanted: 'n o t u' },
])('layers that the runs saw are below the head: $title', ({ head, lineage, wanted }) => {
  expect(onLineage(ids(head), ids(lineage))).toEqual(ids(wanted));
});
