import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CacheVolume, Fork } from '@cachelane/sdk';
import type { NodeEngine } from '@cachelane/sdk/node';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { goModule, goProject, seedGoBuild } from '../real-tools/go-project.fixture.ts';
import { openSdkWorld, pathsOf, type SdkWorld } from './sdk-world.fixture.ts';

// Concurrent clients of one volume, and what is saved. The engine is real. Clients have separate sessions where it matters.

async function clients(on: SdkWorld, count: number): Promise<readonly NodeEngine[]> {
  await on.serve();
  const directory = on.acme('web');
  return await Promise.all(Array.from({ length: count }, async () => await on.session(directory)));
}

function put(fork: Fork, name: string): void {
  writeFileSync(join(fork.directory, name), name);
}

function locked(engine: NodeEngine): readonly CacheVolume[] {
  return [engine.cacheVolume('data', { sharing: 'LOCKED' })];
}

describe('SHARED', () => {
  test('is one directory, and its contents are saved', async () => {
    await using on = openSdkWorld();
    const [one, other] = (await clients(on, 2)) as [NodeEngine, NodeEngine];
    const sharing = 'SHARED';
    await using first = await one.attach([one.cacheVolume('data', { sharing })]);
    await using second = await other.attach([other.cacheVolume('data', { sharing })]);
    expect(second.directory).toBe(first.directory);
    expect(first.volumes).toMatchObject([{ sharing: 'SHARED' }]);
    put(first, 'a');
    expect(readFileSync(join(second.directory, 'a'), 'utf8')).toBe('a');
    put(second, 'b');
    await first.commit();
    await second.commit();
    expect(await pathsOf(one.cacheVolume('data').entries())).toEqual(['a', 'b']);
  });
});

describe('PRIVATE', () => {
  test('is a directory for each fork, and all changes are merged', async () => {
    await using on = openSdkWorld();
    const [one, other] = (await clients(on, 2)) as [NodeEngine, NodeEngine];
    const sharing = 'PRIVATE';
    await using first = await one.attach([one.cacheVolume('data', { sharing })]);
    await using second = await other.attach([other.cacheVolume('data', { sharing })]);
    put(first, 'a');
    put(second, 'b');
    expect(existsSync(join(second.directory, 'a'))).toBe(false);
    await first.commit();
    // A commit does not change other views.
    expect(existsSync(join(second.directory, 'a'))).toBe(false);
    await second.commit();
    expect(await pathsOf(one.cacheVolume('data').entries())).toEqual(['a', 'b']);
  });
});

describe('LOCKED', () => {
  test('is used by one fork at a time, and each finds what the previous one saved', async () => {
    await using on = openSdkWorld();
    const [one, other] = (await clients(on, 2)) as [NodeEngine, NodeEngine];
    const first = await one.attach([one.cacheVolume('data', { sharing: 'LOCKED' })]);
    const events = other.events();
    await events.opened;
    const waiting = other.attach([other.cacheVolume('data', { sharing: 'LOCKED' })]);
    for await (const { type } of events) if (type === 'WAITING') break;
    put(first, 'a');
    await first.commit();
    await using second = await waiting;
    expect(readFileSync(join(second.directory, 'a'), 'utf8')).toBe('a');
    // The volume has the same id with any sharing.
    expect(await one.cacheVolume('data', { sharing: 'SHARED' }).id()).toBe(await other.cacheVolume('data').id());
  });

  test('an error names the holder, its host and its start, as long as the holder lives', async () => {
    await using on = openSdkWorld();
    const [one, other] = (await clients(on, 2)) as [NodeEngine, NodeEngine];
    const fork = await one.attach(locked(one));
    put(fork, 'a');
    const leases = await other.leases();
    expect(leases.map(({ kind, key, run, isAlive }) => [kind, key, run, isAlive])).toEqual([
      ['DIRECTORY', 'data', fork.run, true],
      ['LOCK', 'data', fork.run, true],
      ['PIN', 'data', fork.run, true],
    ]);
    expect(fork.directory.startsWith(leases[0]?.path ?? 'nowhere')).toBe(true);
    await fork.commit();
    expect(await other.leases()).toEqual([]);
  });

  test('a waiter that is cancelled or times out takes no lock and blocks nobody', async () => {
    await using on = openSdkWorld();
    const [one, two, three] = (await clients(on, 3)) as [NodeEngine, NodeEngine, NodeEngine];
    const holder = await one.attach(locked(one));
    await expect(two.attach(locked(two), { lockTimeoutSeconds: 0 })).rejects.toMatchObject({ code: 'E_LOCKED' });
    await expect(two.attach(locked(two), { lockTimeoutSeconds: 1 })).rejects.toMatchObject({ code: 'E_LOCKED' });

    const controller = new AbortController();
    const events = two.events();
    await events.opened;
    const cancelled = two.attach(locked(two), { signal: controller.signal });
    cancelled.catch(() => undefined);
    for await (const { type } of events) if (type === 'WAITING') break;
    controller.abort();
    await expect(cancelled).rejects.toMatchObject({ code: 'E_ABORTED' });

    const waiting = three.attach(locked(three), { lockTimeoutSeconds: 120 });
    put(holder, 'a');
    await holder.commit();
    await using next = await waiting;
    expect(existsSync(join(next.directory, 'a'))).toBe(true);
    expect(await two.query('{ sessions { run { id } } }')).toMatchObject({ sessions: [{ run: { id: next.run } }] });
  });
});

const packages = ['alpha', 'beta', 'gamma'] as const;

/** Returns the files of a Go cache that hold compiled results. */
function goFiles(directory: string): readonly string[] {
  return globSync('*/*-[ad]', { cwd: directory });
}

requireCommands(
  'bwrap',
  'flock',
  'go',
)('three clients at once in one Go cache', () => {
  test.each(['one session', 'three sessions'])(
    'in %s: the cache keeps everything that each of them added',
    async (how) => {
      await using on = openSdkWorld();
      const directory = goProject(on.world, 'web', goModule('web', packages));
      on.acme('web');
      await seedGoBuild(on.world, directory);
      await on.serve();
      const first = await on.session(directory);
      const engines =
        how === 'one session'
          ? [first, first, first]
          : [first, await on.session(directory), await on.session(directory)];
      const before = new Set(await pathsOf(first.cacheVolume('go-build').entries()));

      const forks = await Promise.all(
        engines.map(async (engine) => await engine.attach([engine.cacheVolume('go-build')])),
      );
      const added = await Promise.all(
        forks.map(async (fork, index) => {
          const env = { ...on.world.env, ...fork.environment };
          await on.world.execAsync(['go', 'build', `./${packages[index]}`], { cwd: directory, env });
          return goFiles(fork.directory).filter((path) => !before.has(path));
        }),
      );
      for (const files of added) expect(files.length).toBeGreaterThan(0);
      await Promise.all(forks.map(async (fork) => await fork.commit()));
      const after = new Set(await pathsOf(first.cacheVolume('go-build').entries({ pageSize: 10_000 })));
      expect(added.flat().filter((path) => !after.has(path))).toEqual([]);
      expect([...before].filter((path) => /-[ad]$/.test(path) && !after.has(path))).toEqual([]);
    },
  );
});
