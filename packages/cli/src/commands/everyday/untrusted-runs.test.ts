import { describe, expect, test } from 'vitest';
import { commandList } from '../../app/command-list.ts';
import { mergeRequestOfFork, stage } from '../../fixtures/staged-host.fixture.ts';
import { push, web } from '../share/pushed.fixture.ts';

// A run of a fork may not save, and so may not change anything else. A new command
// must be listed here.

/** Commands that change heads, namespaces or their settings. */
const changes: Readonly<Record<string, readonly string[]>> = {
  revoke: ['--run', 'run_0'],
  rollback: ['npm'],
  rm: ['npm'],
  prune: ['npm'],
  import: ['.', '--as', 'npm'],
  push: ['--remote', 'dir:/nowhere'],
  'gc --remote': ['--remote'],
  'verify remote': ['--repair', '--remote', 'dir:/nowhere'],
  'catalog publish': [],
  'catalog rm': ['github.com/acme@1'],
  grant: ['npm', '--to', 'teams/x'],
  'grant rm': ['npm', '--to', 'teams/x'],
  feed: ['teams', '--from', 'teams/x'],
  'feed rm': ['teams', '--from', 'teams/x'],
  'ns create': ['teams/payments'],
  'ns adopt': [web],
  'ns policy': [web, 'keep-pr=1d'],
  'ns rename': [web, 'teams/site'],
  'ns rm': [web],
};

/** Commands that only read, check each volume, or write only the caller's files. */
const others = [
  'run, shell, serve, query, demo, context, explain, ls, du, log, inspect, diff, blame, trace, export, gc, verify',
  'add, generate, doctor, catalog ls, catalog show, catalog diff, catalog consumers, tools, tools show, grant ls, feed ls, ns ls, ns show',
].flatMap((line) => line.split(', '));

test('every command is listed', () => {
  const known = [...others, ...Object.keys(changes).filter((name) => name !== 'gc --remote')];
  expect(known.toSorted()).toEqual(commandList.map(({ name }) => name).toSorted());
});

describe('a run that may not save', () => {
  test.each(Object.entries(changes))('%s', async (name, more) => {
    using on = stage({ env: mergeRequestOfFork });
    await push(on, { layers: ['a', 'b'] });
    const words = name === 'gc --remote' ? ['gc', ...more] : [...name.split(' '), ...more];
    expect(await on.cachelane(...words), on.out() + on.err()).toBe(2);
    expect(on.err()).toContain('may not be written here');
    const { signal } = new AbortController();
    const namespaces = await on.metadata.listNamespaces(signal);
    expect(namespaces.map(({ paths }) => paths)).toEqual([[web]]);
    expect(await on.metadata.listHeads(signal)).toMatchObject([{ lane: 't1:local', generation: 2 }]);
  });
});
