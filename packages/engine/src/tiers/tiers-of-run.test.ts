import { parseNamespace, type Namespace, type NamespaceId, type NamespaceRecord } from '@cachelane/core';
import { expect, test } from 'vitest';
import { planVolume } from '../volumes/plan.ts';
import { indexedVolume, testEngine } from '../testing/test-engine.fixture.ts';
import { tiersOfRun } from './tiers-of-run.ts';
import { contextOf, projectOf } from './tiers.fixture.ts';

const noAbort = new AbortController().signal;
const [theirs, nobodys] = [parseNamespace('github.com/secret'), parseNamespace('github.com/nobody')];
const there: NamespaceRecord = { id: 'ns_theirs' as NamespaceId, paths: [theirs], createdAtMs: 0 };

async function workWith(parent: Namespace): Promise<readonly string[]> {
  const calls: string[] = [];
  const { deps } = testEngine();
  const environment = { homeDir: '/home', workDir: '/work', os: 'linux', arch: 'x64', readText: () => undefined };
  const context = contextOf(projectOf('web'), { parents: [parent] });
  const planned = planVolume(deps.tools, context, environment as never, indexedVolume);
  const metadata = {
    findNamespace: async (path: Namespace) => {
      calls.push('findNamespace');
      return await Promise.resolve(path === theirs ? there : undefined);
    },
    feedsOf: async () => {
      calls.push('feedsOf');
      return await Promise.resolve([]);
    },
  };
  expect(await tiersOfRun(metadata, planned, noAbort)).toMatchObject([
    { namespace: parent, why: 'it has no feed rule' },
  ]);
  return calls;
}

test('existing and missing parents cost the same look-ups: a file of the repository may name any', async () => {
  expect(await workWith(theirs)).toEqual(await workWith(nobodys));
});
