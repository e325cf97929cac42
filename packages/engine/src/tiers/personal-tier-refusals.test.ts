import { parseGrantee, parseNamespace, type Namespace } from '@cachelane/core';
import { expect, test } from 'vitest';
import { renameNamespace } from '../namespaces/rename-namespace.ts';
import { addFeed } from '../sharing/feeds.ts';
import { grantVolumes } from '../sharing/grants.ts';
import { testEngine, type TestEngine } from '../testing/test-engine.fixture.ts';
import { acme, personal, projectOf } from './tiers.fixture.ts';

const noAbort = new AbortController().signal;
const web = projectOf('web');
const dryRun = false;

type Act = (deps: TestEngine['deps']) => Promise<unknown>;

const grant =
  (owner: Namespace): Act =>
  async (deps) => {
    const to = parseGrantee(web, 'to');
    const said = { owner, volume: null, to, access: 'read', trust: 'T1', by: 'ann', dryRun } as const;
    await grantVolumes(deps, said, noAbort);
  };
const feed: Act = async (deps) => {
  const from = parseGrantee(web, 'from');
  await addFeed(deps, { tier: personal, from, volume: null, lanes: 'default', by: 'ann', dryRun }, noAbort);
};
const rename =
  (from: Namespace, to: Namespace): Act =>
  async ({ metadata }) =>
    await renameNamespace(metadata, { from, to, dryRun }, noAbort);

test.each([
  ['cannot be granted', grant(personal)],
  ['nor can namespaces below it', grant(parseNamespace('~/x'))],
  ['cannot have a feed rule', feed],
  ['cannot be renamed, which would push it', rename(personal, acme)],
  ['cannot be the new name of another namespace', rename(acme, personal)],
])('the personal tier %s', async (_, act) => {
  const { deps } = testEngine();
  await deps.metadata.createNamespace({ path: acme, freshId: 'ns_acme' as never, atMs: 0 }, noAbort);
  await expect(act(deps)).rejects.toMatchObject({ code: 'E_USAGE', message: expect.stringContaining('~') as string });
  expect(await deps.metadata.findNamespace(personal, noAbort)).toBeUndefined();
});
