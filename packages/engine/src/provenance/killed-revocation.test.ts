import type { Namespace, RunId } from '@cachelane/core';
import { crashingMetadata, memoryRemote, noAbort, SimulatedCrash } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { installOn, machines, warnings } from '../sync/machines.fixture.ts';
import { findPending, pushPending } from '../sync/push/push-pending.ts';
import { planEverywhere, revokeEverywhere } from '../sync/revoke/revoke-everywhere.ts';
import { look, testContext, testEngine, testHome, type TestEngine } from '../testing/test-engine.fixture.ts';
import { acme, contextOf, feedFrom, found, installIn, lastRun, projectOf, warningsOf } from '../tiers/tiers.fixture.ts';

const [web, api] = ['web', 'api'].map(projectOf) as [Namespace, Namespace];

async function revoke({ deps }: TestEngine, run: RunId): Promise<void> {
  const plans = await planEverywhere(deps, { run, cascade: false }, noAbort);
  await revokeEverywhere(deps, plans, 'ann', noAbort);
}

/** Only records a revocation, like a process that died after that. */
async function revokeAlmost({ deps }: TestEngine, run: RunId): Promise<void> {
  const atMs = deps.clock.nowMs();
  await deps.metadata.revokeRuns([{ run, atMs, by: 'ann', namespaceId: null }], noAbort);
}

describe('a revocation that was killed', () => {
  test('at any moment is finished by the next run, and tiers are fed again', async () => {
    let isOver = false;
    for (let operation = 1; !isOver; operation++) {
      const home = testHome();
      const ann = testEngine({ seed: 'ann', home });
      await feedFrom(ann, acme);
      await installIn(ann, contextOf(web), 'left');
      await installIn(ann, contextOf(web), 'bad');
      const run = lastRun(ann);
      await installIn(ann, contextOf(web), 'right');
      const metadata = crashingMetadata(ann.deps.metadata, { operation, when: 'after' });
      isOver = await revoke({ ...ann, deps: { ...ann.deps, metadata } }, run).then(
        () => true,
        (error: unknown) => {
          if (error instanceof SimulatedCrash) return false;
          throw error;
        },
      );
      const isTold = (await ann.deps.metadata.revokedRuns('all', noAbort)).length > 0;
      const all = isTold ? ['left', 'right'] : ['bad', 'left', 'right'];
      const ben = testEngine({ seed: 'ben', home });
      expect(await found(ben, contextOf(web)), `killed after operation ${operation}`).toEqual(all);
      expect(await found(ben, contextOf(api))).toEqual(all);
      const report = await installIn(ben, contextOf(web), 'more');
      expect(report?.fed).toMatchObject([{ namespace: acme }]);
      expect(await found(ben, contextOf(api))).toEqual([...all, 'more'].toSorted());
      expect(warningsOf(ben)).toEqual([]);
    }
  });

  test('is finished by the next push, also in the remote, on any lane', async () => {
    const { machine } = machines();
    const [ann, ben] = [machine(), machine()];
    const main = { request: { context: testContext('t1:ref:main') } };
    for (const name of ['left', 'bad', 'right']) await installOn(ann, name, main);
    const bad = ann.events.flatMap((event) => (event.type === 'session-opened' ? [event.run] : []))[1];
    await revokeAlmost(ann, bad ?? expect.fail('nothing ran'));
    expect((await look(ben, main))['index/bucket']).toBe('bad\nleft\nright\n');
    const { remote } = ann.deps;
    if (remote === null) return expect.fail('no remote');
    const deps = { ...ann.deps, remote };
    const pending = await findPending(deps, noAbort);
    expect(pending).toMatchObject([{ name: { lane: 't1:ref:main' }, layers: 0, removals: 1 }]);
    for (const each of pending) expect(await pushPending(deps, each, noAbort)).toMatchObject({ kind: 'sent' });
    expect(await findPending(deps, noAbort)).toEqual([]);
    for (const engine of [machine(), ben, ann])
      expect((await look(engine, main))['index/bucket']).toBe('left\nright\n');
    return undefined;
  });

  test('removes only the run, also if a run without the remote finishes it', async () => {
    const { machine, state } = machines();
    const ann = machine();
    for (const name of ['a', 'bad', 'c', 'd']) await installOn(ann, name);
    const bad = ann.events.flatMap((event) => (event.type === 'session-opened' ? [event.run] : []))[1];
    const home = testHome();
    const ben = testEngine({ seed: 'ben', home, remote: memoryRemote(state) });
    await ben.run(() => undefined);
    // It has only the squash.
    expect((await ben.deps.layers.list(noAbort)).length).toBe(1);
    await revokeAlmost(ben, bad ?? expect.fail('nothing ran'));
    expect((await look(testEngine({ seed: 'offline', home })))['index/bucket'] ?? '').not.toContain('bad');
    await ben.run(() => undefined);
    for (const engine of [ben, machine()]) expect((await look(engine))['index/bucket']).toBe('a\nc\nd\n');
    expect(warnings(ben)).toEqual([]);
  });
});
