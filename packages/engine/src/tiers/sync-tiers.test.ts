import {
  decodeManifest,
  encodeManifest,
  headPrefix,
  type Context,
  type HeadManifest,
  type Namespace,
  type RunId,
} from '@cachelane/core';
import { noAbort, type MemoryRemoteState } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { machines } from '../sync/machines.fixture.ts';
import { findPending, pushPending } from '../sync/push/push-pending.ts';
import { planEverywhere, revokeEverywhere } from '../sync/revoke/revoke-everywhere.ts';
import { install, type TestEngine } from '../testing/test-engine.fixture.ts';
import { verifyRemote } from '../sync/collection/verify-remote.ts';
import { verifyStore } from '../heads/verify-store.ts';
import {
  acme,
  contextOf,
  feedFrom,
  found,
  headOf,
  installIn,
  lastRun,
  personal,
  projectOf,
  warningsOf,
} from './tiers.fixture.ts';

const [web, api, shop] = ['web', 'api', 'shop'].map(projectOf) as [Namespace, Namespace, Namespace];

/** Forges a head, as any of its writers can. */
function forgeHead({ heads }: MemoryRemoteState, namespace: Namespace, change: Partial<HeadManifest>): void {
  for (const [key, head] of heads) {
    const manifest = key.startsWith(headPrefix) && head.bytes !== null ? decodeManifest(head.bytes, null) : null;
    if (manifest?.namespace !== namespace) continue;
    heads.set(key, { ...head, version: 'forged' as never, bytes: encodeManifest({ ...manifest, ...change }) });
  }
}

const mine = (project: Namespace): Context => contextOf(project, { parents: [], personal: true });

async function revokeFrom({ deps }: TestEngine, run: RunId): Promise<void> {
  const plans = await planEverywhere(deps, { run, cascade: false }, noAbort);
  await revokeEverywhere(deps, plans, 'ann', noAbort);
}

/** Pushes the pending heads of one namespace. */
async function pushOf({ deps: { remote, ...deps } }: TestEngine, namespace: Namespace): Promise<void> {
  if (remote === null) throw new Error('there is a remote');
  for (const each of await findPending({ ...deps, remote }, noAbort))
    if (each.name.namespace === namespace) await pushPending({ ...deps, remote }, each, noAbort);
}

describe('a tier in a remote', () => {
  test('is pushed by the projects that feed it, and read elsewhere without a rule', async () => {
    const { machine } = machines();
    const [ann, ben] = [machine(), machine()];
    await feedFrom(ann, acme);
    const report = await installIn(ann, contextOf(web), 'left');
    expect(report?.sync).toMatchObject({ pushed: 'sent', pushedLayers: 2 });
    expect(await found(ben, contextOf(api))).toEqual(['left']);
    await installIn(ben, contextOf(api), 'right');
    expect(await found(machine(), contextOf(projectOf('shop')))).toEqual(['left']);
    expect(warningsOf(ann)).toEqual([]);
    expect(warningsOf(ben)).toEqual([]);
  });

  test('has what several machines feed', async () => {
    const { machine } = machines();
    const [ann, ben] = [machine(), machine()];
    for (const engine of [ann, ben]) await feedFrom(engine, acme);
    await installIn(ann, contextOf(web), 'left');
    await installIn(ben, contextOf(api), 'right');
    await installIn(ann, contextOf(web), 'more');
    const third = machine();
    expect(await found(third, contextOf(projectOf('shop')))).toEqual(['left', 'more', 'right']);
    const { remote } = third.deps;
    if (remote === null) throw new Error('there is a remote');
    const sound = await verifyRemote({ ...third.deps, remote }, () => undefined, noAbort);
    expect(sound).toMatchObject({ faultyHeads: [], faultyLayers: [] });
    expect((await verifyStore(ann.deps, () => undefined, noAbort)).faulty).toEqual([]);
  });

  test('is pending where it was not pushed, and causes no new downloads', async () => {
    const { machine } = machines();
    const [ann, ben] = [machine(), machine()];
    await installIn(ann, contextOf(web), 'left');
    await found(ben, contextOf(web));
    await feedFrom(ann, acme);
    const { report } = await ann.run(() => undefined, { request: { context: contextOf(web), push: 'never' } });
    expect(report.volumes[0]).toMatchObject({ fed: [{ namespace: acme }], sync: { pushed: 'later' } });
    const { remote } = ann.deps;
    if (remote === null) throw new Error('there is a remote');
    const pending = await findPending({ ...ann.deps, remote }, noAbort);
    expect(pending.map(({ name }) => name.namespace)).toEqual([acme]);
    for (const each of pending)
      expect(await pushPending({ ...ann.deps, remote }, each, noAbort)).toMatchObject({ kind: 'sent' });
    const again = await ben.run(() => undefined, { request: { context: contextOf(web) } });
    expect(again.report.volumes[0]?.sync).toMatchObject({ pulledLayers: 0, pulledBytes: 0 });
    expect(await headOf(ben, acme)).toEqual(await headOf(ann, acme));
  });

  test('loses a revoked run on every machine', async () => {
    const { machine } = machines();
    const [ann, ben] = [machine(), machine()];
    await feedFrom(ann, acme);
    await installIn(ann, contextOf(web), 'left');
    await installIn(ann, contextOf(web), 'bad');
    const run = lastRun(ann);
    expect(await found(ben, contextOf(api))).toEqual(['bad', 'left']);
    await revokeFrom(ann, run);
    expect(await found(ben, contextOf(api))).toEqual(['left']);
    expect(await found(machine(), contextOf(api))).toEqual(['left']);
  });

  test('does not bring back a run that was revoked elsewhere before its push', async () => {
    const { machine } = machines();
    const [ann, ben] = [machine(), machine()];
    await installIn(ben, contextOf(web), 'left');
    await installIn(ben, contextOf(web), 'bad');
    const run = lastRun(ben);
    await feedFrom(ben, acme);
    await ben.run(() => undefined, { request: { context: contextOf(web), push: 'never' } });
    expect(await found(ben, contextOf(api))).toEqual(['bad', 'left']);
    await revokeFrom(ann, run);
    await installIn(ben, contextOf(web), 'more');
    expect(await found(machine(), contextOf(api))).toEqual(['left', 'more']);
    expect(await found(ben, contextOf(api))).toEqual(['left', 'more']);
  });

  test('tells the project about a revoked run that only the tier had there', async () => {
    const { machine } = machines();
    const [ann, ben] = [machine(), machine()];
    for (const engine of [ann, ben]) await feedFrom(engine, acme);
    await installIn(ben, contextOf(web), 'left');
    await ben.run(([volume]) => install(volume, 'bad'), { request: { context: contextOf(web), push: 'never' } });
    const run = lastRun(ben);
    await pushOf(ben, acme);
    expect(await found(ann, contextOf(api))).toEqual(['bad', 'left']);
    await revokeFrom(ann, run);
    await installIn(ben, contextOf(web), 'more');
    expect(await found(machine(), contextOf(web))).toEqual(['left', 'more']);
  });

  test('tells it even if the project had no head there: the revoking machine removes the run from later pushes', async () => {
    const { machine } = machines();
    const [ann, ben] = [machine(), machine()];
    for (const engine of [ann, ben]) await feedFrom(engine, acme);
    for (const name of ['left', 'bad'])
      await ben.run(([volume]) => install(volume, name), { request: { context: contextOf(web), push: 'never' } });
    const run = lastRun(ben);
    await pushOf(ben, acme);
    expect(await found(ann, contextOf(api))).toEqual(['bad', 'left']);
    await revokeFrom(ann, run);
    await pushOf(ben, web);
    // It saves nothing, but has something to push.
    expect(await found(ann, contextOf(web))).toEqual(['left']);
    await pushOf(ann, web);
    for (const engine of [machine(), ben, ann]) expect(await found(engine, contextOf(web))).toEqual(['left']);
  });
});

test('a project that feeds a tier cannot remove what others fed', async () => {
  const { machine, state } = machines();
  const [ann, mallory, ben] = [machine(), machine(), machine()];
  for (const engine of [ann, ben]) await feedFrom(engine, acme);
  await installIn(ann, contextOf(api), 'left');
  const run = lastRun(ann);
  await installIn(mallory, contextOf(web, { parents: [] }), 'right');
  // This machine knows the run only from the tier.
  expect(await found(ben, contextOf(shop))).toEqual(['left']);
  forgeHead(state, web, { revoked: [{ run, atMs: 1, by: 'mallory' }] });
  await installIn(ben, contextOf(web), 'more');
  for (const engine of [ben, ann, machine()])
    expect(await found(engine, contextOf(shop))).toEqual(['left', 'more', 'right']);
});

test('a personal tier is neither pushed nor pulled', async () => {
  const { machine, state } = machines();
  const [ann, ben] = [machine(), machine()];
  await ann.run(([volume]) => install(volume, 'left'), { request: { context: mine(web) } });
  expect(await headOf(ann, personal)).toHaveLength(1);
  expect(await found(ben, mine(api))).toEqual([]);
  expect([...state.heads.keys()].filter((key) => key.startsWith('heads/'))).toHaveLength(1);
});
