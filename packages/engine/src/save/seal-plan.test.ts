import type { BytePath, CollectedPart, RunId } from '@cachelane/core';
import { changeSetOf, memoryChangeSet } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { indexedTool } from '../testing/test-engine.fixture.ts';
import { emptyView } from '../views/view.ts';
import { planSeal, type SealPlan } from './seal-plan.ts';

// Saves a part: finished work in a directory where other runs continue.

/** Another run adds `later`, with its name in the bucket of `found`, after the files were listed. */
function planPart(isReadAsFound: CollectedPart['isReadAsFound']): SealPlan {
  const { changes } = memoryChangeSet([
    { kind: 'dir', path: 'content' },
    { kind: 'file', path: 'content/found', content: 'found' },
    { kind: 'dir', path: 'index' },
    { kind: 'file', path: 'index/busy', content: 'found\n' },
    { kind: 'file', path: 'index/quiet', content: 'found\n' },
  ]);
  const now = new Map([
    ['content/found', 'found'],
    ['index/busy', 'found\nlater\n'],
    ['index/quiet', 'found\n'],
  ]);
  return planSeal({
    changes: changeSetOf(changes, (path) => Buffer.from(now.get(path) ?? '')),
    view: emptyView,
    tool: indexedTool,
    origins: ['run' as RunId],
    nowMs: 0,
    checksLinks: false,
    part: { isReadAsFound },
    onlyKnown: false,
    onUnknown: () => {},
    prunes: false,
    onDamage: () => {},
    onProgress: () => {},
  });
}

const filesOf = ({ entries }: SealPlan): readonly string[] =>
  entries.flatMap(({ entry }) => (entry.type === 'file' ? [entry.path] : [])).toSorted();

test('a list that changed before it was read is left to a later save', () => {
  const plan = planPart((path) => path !== 'index/busy');
  expect(filesOf(plan)).toEqual(['content/found', 'index/quiet']);
  expect(plan.isAll).toBe(false);
  expect(plan.taken.has('index/busy' as BytePath)).toBe(false);
  expect(plan.taken.has('index/quiet' as BytePath)).toBe(true);
});

test('a list that did not change is stored', () => {
  const plan = planPart(() => true);
  expect(filesOf(plan)).toEqual(['content/found', 'index/busy', 'index/quiet']);
  expect(plan.isAll).toBe(true);
});
