import { arbitraryLayer, runIdOf } from '@cachelane/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BytePath } from '../layers/byte-path.ts';
import type { Digest } from '../base/digest.ts';
import type { Entry, LayerIndex } from '../layers/entry.ts';
import { memoryIndex } from '../layers/memory-index.ts';
import { isCleanUp, squashPlan, withNothingBelow, type SquashStep } from './squash.ts';
import { LayerStack, mergesVersions } from './stack.ts';

/** Merges versions like an append-union driver: content is a set. */
function unite(digests: readonly (Digest | null)[]): Digest {
  const parts = new Set(digests.flatMap((digest) => (digest ?? '').split('+')));
  return [...parts].toSorted().join('+') as Digest;
}

function squash(layers: readonly LayerIndex[]): LayerIndex {
  const entries: Entry[] = [];
  for (const [, step] of squashPlan(layers.map((index) => ({ index })))) entries.push(entryOf(step));
  return memoryIndex(entries);
}

function entryOf(step: SquashStep): Entry {
  switch (step.kind) {
    case 'keep':
      return step.below ? { ...step.found.entry, removed: 'below' } : step.found.entry;
    case 'compose': {
      const first = step.versions[0]?.entry as Entry;
      return {
        ...first,
        removed: step.below ? 'below' : null,
        form: step.form,
        digest: unite(step.versions.map((version) => version.entry.digest)),
      };
    }
    case 'removed':
      return step.entry;
  }
}

/** Everything that a reader of the stack sees: path, type and merged content. */
function sight(layers: readonly LayerIndex[]): Map<BytePath, string> {
  const stack = new LayerStack(layers.map((index) => ({ index })));
  const seen = new Map<BytePath, string>();
  for (const { entry } of stack.visible()) {
    const digest =
      entry.type === 'file' && mergesVersions(entry.mergeClass)
        ? unite(stack.versions(entry.path).versions.map((version) => version.entry.digest))
        : entry.digest;
    seen.set(entry.path, `${entry.type} ${digest}`);
  }
  return seen;
}

const arbitraryStack = fc
  .integer({ min: 1, max: 7 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => arbitraryLayer(runIdOf(index)))));

describe('a stack with some neighbours squashed', () => {
  test('shows the same at every path', () => {
    fc.assert(
      fc.property(arbitraryStack, fc.nat(), fc.nat(), (layers, a, b) => {
        const from = a % layers.length;
        const to = from + 1 + (b % (layers.length - from));
        const squashed = [...layers.slice(0, from), squash(layers.slice(from, to)), ...layers.slice(to)];
        expect(sight(squashed)).toEqual(sight(layers));
      }),
      { numRuns: 3000 },
    );
  });

  test('shows the same if they are the lowest, without the removals of clean-ups', () => {
    fc.assert(
      fc.property(arbitraryStack, fc.nat(), (layers, a) => {
        const from = a % layers.length;
        const entries = [...squash(layers.slice(from)).entries()].flatMap((entry) => withNothingBelow(entry) ?? []);
        const lowest = memoryIndex(entries);
        expect(isCleanUp(lowest)).toBe(false);
        expect(sight([...layers.slice(0, from), lowest])).toEqual(sight(layers));
      }),
      { numRuns: 2000 },
    );
  });

  test('shows the same after repeated squashing', () => {
    fc.assert(
      fc.property(arbitraryStack, (layers) => {
        let squashed: readonly LayerIndex[] = layers;
        while (squashed.length > 1) squashed = [squash(squashed.slice(0, 2)), ...squashed.slice(2)];
        expect(sight(squashed)).toEqual(sight(layers));
      }),
      { numRuns: 2000 },
    );
  });
});
