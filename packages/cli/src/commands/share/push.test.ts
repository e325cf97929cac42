import {
  backgroundVariable,
  CachelaneError,
  newAttempt,
  parseRemoteKey,
  type LaneName,
  type LayerId,
  type Remote,
} from '@cachelane/core';
import {
  contentEntry,
  emptyRemoteState,
  memoryRemote,
  noAbort,
  openMemoryLayers,
  openMemoryMounter,
  openOne,
  openRequest,
  pushLayer,
  seededRandom,
} from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { mergeRequestOfFork, stage, type Stage } from '../../fixtures/staged-host.fixture.ts';
import { ids, json, push, web } from './pushed.fixture.ts';

// push on a remote in memory.

interface Staged extends Disposable {
  readonly remote: Remote;
  /** Clears the output. */
  readonly again: (env?: Readonly<Record<string, string>>) => Stage;
  /** Another generation of `github.com/acme/web:data`. */
  readonly save: (text: string, name?: string) => Promise<void>;
}

const lane = 't1:local' as LaneName;
const junkCollection = {
  key: parseRemoteKey('collection'),
  bytes: new TextEncoder().encode('{}'),
  expected: null,
  attempt: newAttempt(new Uint8Array(16)),
};
const said = { CACHELANE_REMOTE: 'dir:/mnt/cache' };

function staged(): Staged {
  const layers = openMemoryLayers();
  const remote = memoryRemote(emptyRemoteState());
  const mounter = openMemoryMounter();
  const on = stage();
  const { metadata } = on;
  const stages = [on];
  const lease = { commandFile: '', [Symbol.asyncDispose]: async () => await Promise.resolve() };
  const leases = {
    acquire: async () => await Promise.resolve(lease),
    isHeld: async () => await Promise.resolve(false),
    sweep: async () => await Promise.resolve([]),
  };
  return {
    remote,
    again(env = {}) {
      const pieces = {
        openLayers: async () => await Promise.resolve(layers),
        openLeases: async () => await Promise.resolve(leases),
        openMounters: async () => await Promise.resolve({ overlay: mounter, clone: mounter, live: mounter }),
        openRemote: async () => await Promise.resolve(remote),
      };
      const next = stage({ env: { ...said, ...env }, metadata, pieces, random: seededRandom(stages.length) });
      stages.push(next);
      return next;
    },
    async save(text, name = 'data') {
      const volumes = [{ name, tool: 'directory', sync: 'always' as const }];
      const { volumeId, run } = await openOne(metadata, openRequest(ids, { namespace: web, volumes }));
      const made = contentEntry(text, `bytes of ${text}`);
      const entries = [{ ...made, entry: { ...made.entry, mergeClass: 'D' as const } }];
      const layer = await layers.stage({ changes: null, entries, sealedAtMs: 1 }, noAbort);
      await layers.publish(layer, noAbort);
      await pushLayer(metadata, { volumeId, layer: layer.id, run, lane, atMs: on.host.clock.nowMs() });
    },
    [Symbol.dispose]: () => {
      for (const each of stages) each[Symbol.dispose]();
    },
  };
}

async function say({ again }: Staged, ...argv: readonly string[]): Promise<string> {
  const on = again();
  expect(await on.cachelane(...argv), on.err()).toBe(0);
  return on.out();
}

const notReached = (): Promise<Remote> => Promise.reject(new CachelaneError('E_INTERNAL', 'it was opened'));

describe('push', () => {
  test('shows what it would push and what it pushed to an empty remote', async () => {
    using on = staged();
    await on.save('a');
    await on.save('b');
    expect(await say(on, 'push', '--dry-run')).toBe(`${web}:data ${lane}: would send 2 layers\n`);
    expect(await say(on, 'push')).toMatch(/^github\.com\/acme\/web:data t1:local: sent 2 layers, [\d.]+ k?B\n$/);
    expect(await say(on, 'push')).toBe('memory: is up to date\n');
  });

  test('names an error once, however many volumes it concerns', async () => {
    using on = staged();
    for (const name of ['data', 'more', 'rest']) await on.save('a', name);
    await on.remote.heads.swap(junkCollection, noAbort);
    const next = on.again();
    expect(await next.cachelane('push')).toBe(1);
    expect(next.err()).toMatch(
      /^cachelane: \S+:data t1:local and 2 others were not pushed and stay pending: .*\n  cachelane verify remote --repair removes it\n$/,
    );
  });

  test('in the background pushes only volumes that runs share there', async () => {
    using on = staged();
    await on.save('a');
    const leftBehind = async (): Promise<string> => {
      const next = on.again({ [backgroundVariable]: '/home' });
      expect(await next.cachelane('push'), next.err()).toBe(0);
      return next.out();
    };
    expect(await leftBehind()).toBe('memory: is up to date\n');
    await say(on, 'push');
    await on.save('b');
    expect(await leftBehind()).toMatch(/: sent 1 layer, /);
  });

  test('reports layers removed by a rollback, like rollback itself', async () => {
    using on = staged();
    for (const text of ['a', 'b', 'c']) await on.save(text);
    const hint = 'Other machines keep the old state until the next run here that uses the remote, or cachelane push\n';
    expect(await say(on, 'rollback', `${web}:data`, '--to', '2')).not.toContain(hint);
    await say(on, 'push');
    expect(await say(on, 'rollback', `${web}:data`, '--to', '1', '--dry-run')).not.toContain(hint);
    expect(await say(on, 'rollback', `${web}:data`, '--to', '1', '--json')).not.toContain(hint);
    expect(await say(on, 'rollback', `${web}:data`, '--to', '2')).not.toContain(hint);
    expect(await say(on, 'rollback', `${web}:data`, '--to', '1')).toContain(hint);
    expect(await say(on, 'push', '--dry-run')).toBe(`${web}:data ${lane}: would remove 1 layer\n`);
    await on.save('d');
    expect(await say(on, 'push', '--dry-run')).toBe(`${web}:data ${lane}: would send 1 layer and remove 1 layer\n`);
    expect(await say(on, 'push')).toMatch(/: sent 1 layer, [\d.]+ k?B, removed 1 layer\n$/);
    expect(await say(on, 'rollback', `${web}:data`, '--to', '1')).toContain(hint);
    expect(await say(on, 'push')).toBe(`${web}:data ${lane}: removed 1 layer\n`);
  });

  test('prints pending layers and results as JSON', async () => {
    using on = staged();
    await on.save('a');
    await on.save('b');
    const head = { namespace: web, volume: 'data', compat: {}, lane };
    const waiting = { ...head, waiting: 2, removals: 0, error: null };
    const dry = { ...waiting, sent: false, layers: 0, bytes: 0, removed: 0, conflicts: [] };
    expect(JSON.parse(await say(on, 'push', '--dry-run', '--json'))).toEqual({ remote: 'memory:', heads: [dry] });
    const bytes = expect.any(Number) as number;
    const sent = { ...waiting, sent: true, layers: 2, bytes, removed: 0, conflicts: [] };
    expect(JSON.parse(await say(on, 'push', '--json'))).toEqual({ remote: 'memory:', heads: [sent] });
    await say(on, 'rollback', `${web}:data`);
    const took = { ...head, waiting: 0, removals: 1, sent: true, layers: 0, bytes: 0, removed: 1, conflicts: [] };
    expect(JSON.parse(await say(on, 'push', '--json'))).toMatchObject({ heads: [took] });
  });

  test.each([
    ['push', ['push']],
    ['push', ['push', '--dry-run']],
    ['verify remote', ['verify', 'remote', '--repair']],
    ['verify remote', ['verify', 'remote', '--repair', '--dry-run']],
  ])('%s is refused if a run may not save: %j', async (_, argv) => {
    using on = stage({ env: { ...said, ...mergeRequestOfFork }, pieces: { openRemote: notReached } });
    await push(on, { layers: ['a'] });
    expect(await on.cachelane(...argv)).toBe(2);
    expect(on.err()).toMatch(
      /the lane t0:\S+ may not be written here: .*\n  repeat this in a run that may save to this lane\n/,
    );
  });

  test('verify remote only reads and is allowed', async () => {
    using on = staged();
    await on.save('a');
    await say(on, 'push');
    const fork = on.again(mergeRequestOfFork);
    expect(await fork.cachelane('verify', 'remote', '--json'), fork.err()).toBe(0);
    expect(json(fork)).toMatchObject({ layers: 1, damaged: [] satisfies LayerId[] });
  });
});
