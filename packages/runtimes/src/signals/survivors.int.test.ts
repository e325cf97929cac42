import { spawnSync } from 'node:child_process';
import type { RunPlace, Survivor } from '@cachelane/core';
import { requireCommands } from '@cachelane/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { processIds, readEnvironment, readStat } from '../system/proc.ts';
import { endSurvivors, findSurvivors } from './survivors.ts';
import { allowSudo } from '../process/sudo-rule.fixture.ts';
import {
  makeWorld,
  runClient,
  startClient,
  sudoUsers,
  sudoUsersWithImages,
  testUsers,
  testUsersWithImages,
  until,
  type World,
} from '../process/world.fixture.ts';

/** Waits until exactly these programs live in the place. */
const settled = async (place: RunPlace, ...names: readonly string[]): Promise<readonly Survivor[]> =>
  await until(() => {
    const found = findSurvivors(place);
    return (
      names.toSorted().join() ===
        found
          .map(({ name }) => name)
          .toSorted()
          .join() && found
    );
  });

/** Runs a script to its end and returns its place. */
async function ran(world: World, script: string, user: (typeof testUsers)[number]): Promise<RunPlace> {
  const client = startClient(world, world.sh(script), { user });
  const { outcome, stderr } = await client.end();
  expect(stderr).toBe('');
  expect(outcome).toMatchObject({ kind: 'exited', exitCode: 0 });
  return await until(() => client.place());
}

const rule = allowSudo();
afterAll(() => rule.remove());

describe.each([...testUsers, ...testUsersWithImages, ...sudoUsers, ...sudoUsersWithImages])('as $name', (user) => {
  requireCommands('bwrap', 'flock')('processes that outlive their command', () => {
    test('are found by name, also in another session and without the lease, but not after their end', async () => {
      using world = makeWorld(user);
      world.mount();
      // Like daemons: a new session, with all inherited descriptors closed.
      const script = 'sleep 1000 & setsid bash -c "exec 3>&- 4>&- 5>&-; exec tail -f /dev/null" & disown 2>&- || :';
      const place = await ran(world, script, user);
      const found = await settled(place, 'sleep', 'tail');
      expect(found.every(({ pid }) => readStat(pid)?.state !== 'Z')).toBe(true);
      expect(JSON.stringify(found)).not.toContain('1000');
      expect(await endSurvivors(place, 5000)).toEqual([]);
      expect(findSurvivors(place)).toEqual([]);
    });

    test("are not background tasks of the run's own store, but those of another store are", async () => {
      using world = makeWorld(user);
      world.mount();
      const homes = [world.root, '/another'].map(
        (home) => `env CACHELANE_BACKGROUND=${home} sleep 1000 >/dev/null 2>&1 &`,
      );
      const place = await ran(world, homes.join(' '), user);
      const [found] = await settled(place, 'sleep');
      expect(readEnvironment(found?.pid ?? 0)).toContain('CACHELANE_BACKGROUND=/another');
      const [tidying] = processIds().filter((pid) =>
        readEnvironment(pid).includes(`CACHELANE_BACKGROUND=${world.root}`),
      );
      process.kill(tidying ?? 0, 'SIGKILL');
      expect(await endSurvivors(place, 5000)).toEqual([]);
    });

    test('that ignore TERM get KILL after the grace period, and stopped ones end too', async () => {
      using world = makeWorld(user);
      world.mount();
      const script = `sh -c 'trap "" TERM; echo > deaf; exec sleep 1000' & sh -c 'kill -STOP $$; :' & until test -e deaf; do :; done`;
      const place = await ran(world, script, user);
      const found = await settled(place, 'sh', 'sleep');
      await until(() => found.some(({ pid }) => readStat(pid)?.state === 'T'));
      expect(await endSurvivors(place, 50)).toEqual([]);
    });

    test('that keep forking are ended too', async () => {
      using world = makeWorld(user);
      world.mount();
      // A chain of processes that each start the next, not a fork bomb.
      const place = await ran(world, `echo 'sh ./next & exit' > next; sh ./next`, user);
      await until(() => findSurvivors(place).length > 0);
      expect(await endSurvivors(place, 20)).toEqual([]);
      expect(findSurvivors(place)).toEqual([]);
    });

    test('are found in a nested mount namespace', async () => {
      using world = makeWorld(user);
      world.mount();
      const place = await ran(
        world,
        'bwrap --dev-bind / / sleep 1000 & until pgrep -f "^sleep 1000$" -P "$(pgrep -P $! -x bwrap || echo $!)" >/dev/null; do :; done',
        user,
      );
      const found = await until(() => {
        const seen = findSurvivors(place);
        return seen.some(({ name }) => name === 'sleep') && seen;
      });
      expect(found.map(({ name }) => name)).toContain('bwrap');
      expect(await endSurvivors(place, 1000)).toEqual([]);
    });

    test('are found after their first thread ended', async () => {
      using world = makeWorld(user);
      world.mount();
      const program = `
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(1000,)).start()
ctypes.CDLL(None).syscall(60, 0)`;
      // System call 60 ends one thread on x86-64 only; elsewhere the process just lives on.
      if (spawnSync('python3', ['-c', 'import ctypes']).status !== 0) return;
      const client = startClient(world, world.request(['/usr/bin/python3', '-c', program]), { user });
      const place = await until(() => client.place());
      // Programs of the start may be zombies for an instant too.
      const found = await until(() =>
        findSurvivors(place).find(({ pid, name }) => name !== 'prlimit' && readStat(pid)?.state === 'Z'),
      );
      expect(found.name).toMatch(/python/);
      expect(await endSurvivors(place, 0)).toEqual([]);
      await client.end();
    });

    test('of another run are not touched', async () => {
      using mine = makeWorld(user);
      using other = makeWorld(user);
      mine.mount();
      other.mount();
      const place = await ran(mine, ':', user);
      const otherPlace = await ran(other, 'sleep 1000 &', user);
      await settled(otherPlace, 'sleep');
      expect(await endSurvivors(place, 1000)).toEqual([]);
      await settled(otherPlace, 'sleep');
      expect(await endSurvivors(otherPlace, 1000)).toEqual([]);
    });

    test('a run has its own place, also just after another one ended', async () => {
      using world = makeWorld(user);
      world.mount();
      const first = await ran(world, ':', user);
      using second = makeWorld(user);
      second.mount();
      const { outcome } = await runClient(second, second.sh(':'), { user });
      expect(outcome).toMatchObject({ kind: 'exited', exitCode: 0 });
      expect(findSurvivors(first)).toEqual([]);
    });
  });
});
