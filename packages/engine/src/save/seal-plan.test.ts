import type { BytePath, CollectedPart, RunId } from '@cachelane/core';
import { changeSetOf, memoryChangeSet } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { indexedTool } from '../testing/test-engine.fixture.ts';
import { emptyView } from '../views/view.ts';
import { planSeal, type SealPlan } from './seal-plan.ts';

// What is finished of the work in a directory where others go on.

/** After the files were looked for, somebody adds `later` and puts its name into the bucket of `found`. */
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

test('a list that changed before it was read waits, with the names of what nobody looked for', () => {
  const plan = planPart((path) => path !== 'index/busy');
  expect(filesOf(plan)).toEqual(['content/found', 'index/quiet']);
  expect(plan.isAll).toBe(false);
  expect(plan.taken.has('index/busy' as BytePath)).toBe(false);
  expect(plan.taken.has('index/quiet' as BytePath)).toBe(true);
});

test('what was read as it was found is stored', () => {
  const plan = planPart(() => true);
  expect(filesOf(plan)).toEqual(['content/found', 'index/busy', 'index/quiet']);
  expect(plan.isAll).toBe(true);
});
