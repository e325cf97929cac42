import type { RunId } from '@cachelane/core';
import { noAbort } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { collectGarbage } from '../garbage/collect-garbage.ts';
import { installOn, machines } from '../sync/machines.fixture.ts';
import { findPending, pushPending, type PendingDependencies } from '../sync/push/push-pending.ts';
import { planEverywhere, revokeEverywhere } from '../sync/revoke/revoke-everywhere.ts';
import { look, testContext, type TestEngine } from '../testing/test-engine.fixture.ts';

/** As with `--no-remote`: a later push tells the remote. */
async function revokeHereAlone({ deps: { remote: _, ...deps } }: TestEngine, run: RunId): Promise<void> {
  const alone = { ...deps, remote: null };
  await revokeEverywhere(alone, await planEverywhere(alone, { run, cascade: false }, noAbort), 'ben', noAbort);
}

function withRemote({ deps: { remote, ...deps } }: TestEngine): PendingDependencies {
  return { ...deps, remote: remote ?? expect.fail('no remote') };
}

/** Like `cachelane push`; returns the pushed lanes. */
async function pushAll(engine: TestEngine): Promise<readonly string[]> {
  const deps = withRemote(engine);
  const pending = await findPending(deps, noAbort);
  for (const each of pending) expect(await pushPending(deps, each, noAbort)).toMatchObject({ kind: 'sent' });
  expect(await findPending(deps, noAbort)).toEqual([]);
  return pending.map(({ name }) => name.lane);
}

const main = { request: { context: testContext('t1:ref:main') } };
const branch = {
  request: { context: testContext('t1:ref:b', undefined, ['t1:ref:main']), push: 'background' },
} as const;

/** Returns what a run on an empty machine finds in the lane. */
async function foundIn(engine: TestEngine): Promise<string | undefined> {
  return (await look(engine, main))['index/bucket'];
}

async function evilOf(engine: TestEngine): Promise<RunId> {
  await installOn(engine, 'evil', main);
  const opened = engine.events.findLast(({ type }) => type === 'session-opened');
  return opened?.type === 'session-opened' ? opened.run : expect.fail('nothing ran');
}

describe('a lane that was emptied by a revocation on a machine without it', () => {
  test.each([
    ['has something of the volume in its own lane', true],
    ['has nothing of the volume', false],
  ])('is repaired by the next push of a machine that %s, even if its runs write another lane', async (_, isKnown) => {
    const { machine } = machines();
    const [ann, ben] = [machine(), machine()];
    const evil = await evilOf(ann);
    if (isKnown) await installOn(ben, 'ben', { request: { context: testContext('t1:ref:b') } });
    await revokeHereAlone(ben, evil);
    expect(await foundIn(machine())).toBe('evil\n');
    expect((await look(ben, branch))['content/evil']).toBeUndefined();
    await collectGarbage(ben.deps, { policy: {}, upTo: 'T3', isThere: () => true }, noAbort);
    expect(await pushAll(ben)).toEqual(['t1:ref:main']);
    for (const engine of [machine(), ann, ben]) expect(await foundIn(engine)).toBeUndefined();
  });

  test('is repaired by a run of that lane, even without a save', async () => {
    const { machine } = machines();
    const [ann, ben] = [machine(), machine()];
    await revokeHereAlone(ben, await evilOf(ann));
    await ben.run(() => undefined, main);
    for (const engine of [machine(), ann, ben]) expect(await foundIn(engine)).toBeUndefined();
  });
});
