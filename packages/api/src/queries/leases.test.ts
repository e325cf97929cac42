import {
  parseNamespace,
  type ChainLink,
  type LaneName,
  type OpenSessionRequest,
  type UsedDirectory,
} from '@cachelane/core';
import { countingIds, noAbort, openRequest } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { testWorld, type TestWorld } from '../execute/test-world.fixture.ts';

const ids = countingIds();
const local = 't1:local' as LaneName;
const since = expect.stringMatching(/^2023-11-14T.*Z$/);

interface RunAsked {
  readonly lock?: boolean;
  readonly isAlive?: boolean;
  /** Read after its own namespace. */
  readonly parent?: string;
}

/** A run in the volume `npm` of a project. */
async function running(
  on: TestWorld,
  project: string,
  { lock = false, isAlive = true, parent }: RunAsked = {},
): Promise<OpenSessionRequest> {
  const { metadata, leases, clock } = on.world.deps;
  const namespace = parseNamespace(`github.com/acme/${project}`);
  const links = [namespace, ...(parent === undefined ? [] : [parseNamespace(parent)])];
  const chain = links.map((each): ChainLink => ({ namespace: each, lane: local }));
  const request = openRequest(ids, {
    namespace,
    volumes: [{ compat: { os: 'linux' }, lock, chain }],
    atMs: clock.nowMs(),
  });
  await metadata.openSession(request, noAbort);
  if (isAlive) await leases.acquire(request.sessionId, noAbort);
  return request;
}

const leases = '{ leases { kind namespace key compat { value } lane layers path session since isAlive } }';

describe('leases', () => {
  test('show locks, pins and mounts, with holder and time', async () => {
    await using on = testWorld();
    await on.save('/web', 'npm', { a: '1' });
    expect(await on.data(leases)).toEqual({ leases: [] });
    const locked = await running(on, 'web', { lock: true });
    const plain = await running(on, 'api');
    const used: UsedDirectory = {
      session: plain.sessionId,
      volume: plain.volumes[0]?.freshId ?? expect.fail('there is no volume'),
      lane: local,
      dir: '/home/kept/clone-1/0',
    };
    on.world.deps.mounters.clone.listUsed = async () => await Promise.resolve([used]);
    const facts = await on.data(leases);
    const web = { namespace: 'github.com/acme/web', key: 'npm', compat: [{ value: 'linux' }] };
    const api = { ...web, namespace: 'github.com/acme/api' };
    const none = { lane: null, layers: null, path: null };
    const byLocked = { session: locked.sessionId, since, isAlive: true };
    const byPlain = { session: plain.sessionId, since, isAlive: true };
    expect(facts).toEqual({
      leases: [
        { ...web, ...none, ...byLocked, kind: 'LOCK', lane: 't1:local' },
        { ...web, ...none, ...byLocked, kind: 'PIN', layers: 1 },
        { ...api, ...none, ...byPlain, kind: 'DIRECTORY', lane: 't1:local', path: used.dir },
        { ...api, ...none, ...byPlain, kind: 'PIN', layers: 0 },
      ],
    });
    await on.world.deps.metadata.closeSession(locked.sessionId, () => undefined, noAbort);
    const { leases: left } = await on.data('{ leases { session run } }');
    const one = { session: plain.sessionId, run: plain.run.id };
    expect(left).toEqual([one, one]);
  });

  test("of a parent's volume show its namespace", async () => {
    await using on = testWorld();
    await on.save('/shared', 'npm', { a: '1' });
    await running(on, 'web', { parent: 'github.com/acme/shared' });
    const { leases: all } = await on.data('{ leases { kind namespace layers } }');
    expect(all).toEqual([
      { kind: 'PIN', namespace: 'github.com/acme/shared', layers: 1 },
      { kind: 'PIN', namespace: 'github.com/acme/web', layers: 0 },
    ]);
  });

  test('of a dead session are shown as dead', async () => {
    await using on = testWorld();
    await running(on, 'web', { isAlive: false });
    expect(await on.data('{ leases { isAlive } sessions { isAlive } }')).toEqual({
      leases: [{ isAlive: false }],
      sessions: [{ isAlive: false }],
    });
  });

  test('of its own project only are shown to a confined session', async () => {
    await using on = testWorld();
    await on.save('/web', 'npm', { a: '1' });
    const mine = await running(on, 'web');
    await running(on, 'secret');
    await running(on, 'web/services/api');
    // Of its own volume, but without the holder.
    await running(on, 'api', { parent: 'github.com/acme/web' });
    const { openSession } = await on.data(
      'mutation { openSession(directory: "/web", namespace: "github.com/acme/web", confine: true) { token } }',
    );
    const { token } = openSession as { readonly token: string };
    expect(await on.data('{ leases { session namespace } }', { session: token })).toEqual({
      leases: [{ session: mine.sessionId, namespace: 'github.com/acme/web' }],
    });
  });
});
