import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { RunPlace, Survivor } from '@cachelane/core';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { readStat } from '../system/proc.ts';
import { processRuntime } from './process-runtime.ts';
import { findSurvivors } from '../signals/survivors.ts';
import {
  type Client,
  makeWorld,
  signalProcess,
  startClient,
  testUsers,
  testUsersWithImages,
  until,
  type World,
} from './world.fixture.ts';

// Each client leads its own process group without a terminal, as under a CI runner.

/** Prints each signal; TERM and QUIT end it with its background process. */
const listener = `
  for name in INT HUP USR1; do trap "echo $name" $name; done
  trap 'echo TERM; kill $!; exit 3' TERM
  trap 'echo QUIT; kill $!; exit 4' QUIT
  sleep 1000 &
  echo ready
  while :; do wait; done`;

const saysAs = async (client: Client, lines: string): Promise<unknown> =>
  await until(() => client.stdout() === lines.replaceAll(' ', '\n') + '\n' && !client.hasPendingSignals());

const isLocked = (lease: string): boolean => spawnSync('flock', ['--nonblock', lease, 'true']).status === 1;

/** Takes a lease; returns a function that releases it. */
async function hold(world: World): Promise<() => void> {
  const holder = spawn('flock', [world.lease, 'cat'], { stdio: ['pipe', 'ignore', 'ignore'] });
  await until(() => isLocked(world.lease));
  return () => holder.stdin.end();
}

/** Makes a gate for `read line < gate`; returns a function that opens it. */
function gate(world: World): () => void {
  const path = join(world.root, 'gate');
  spawnSync('mkfifo', ['--mode=666', path]);
  return () => writeFileSync(path, 'go on\n');
}

const runtime = processRuntime({ path: process.env['PATH'] ?? '' });

/** Returns the only process in a place, and its bubblewrap monitor. */
async function processesIn(place: RunPlace): Promise<{ readonly command: Survivor; readonly monitor: number }> {
  const found = await runtime.survivors(place);
  const [command] = found;
  const monitor = command && readStat(command.pid)?.parent;
  if (found.length !== 1 || command === undefined || monitor === undefined) {
    throw new Error(`expected one process in the place: ${JSON.stringify(found)}`);
  }
  expect(readStat(monitor)?.name).toBe('bwrap');
  return { command, monitor };
}

describe.each([...testUsers, ...testUsersWithImages])('as $name', (user) => {
  requireCommands('bwrap', 'flock')('signals', () => {
    test.each(['with volumes', 'bare'])('%s: a signal to the client alone is passed on once', async (how) => {
      using world = makeWorld(user);
      world.mount();
      const [mounted, bare] = world.bothWays(world.sh(listener));
      const client = startClient(world, how === 'bare' ? bare : mounted, { user });
      await saysAs(client, 'ready');
      client.signal('SIGINT');
      await saysAs(client, 'ready INT');
      client.signal('SIGHUP');
      await saysAs(client, 'ready INT HUP');
      client.signal('SIGUSR1');
      await saysAs(client, 'ready INT HUP USR1');
      client.signal('SIGINT');
      await saysAs(client, 'ready INT HUP USR1 INT');
      client.signal('SIGTERM');
      const { outcome, stdout } = await client.end();
      expect(outcome).toEqual({ kind: 'exited', exitCode: 3, interrupted: true, receivedSignal: 'SIGINT' });
      expect(stdout).toBe('ready\nINT\nHUP\nUSR1\nINT\nTERM\n');
    });

    test('a signal to the whole group reaches the command once', async () => {
      using world = makeWorld(user);
      world.mount();
      const client = startClient(world, world.sh(listener), { user });
      await saysAs(client, 'ready');
      client.signal('SIGINT', 'group');
      await saysAs(client, 'ready INT');
      client.signal('SIGHUP', 'group');
      await saysAs(client, 'ready INT HUP');
      client.signal('SIGUSR1', 'group');
      await saysAs(client, 'ready INT HUP USR1');
      // QUIT was not sent to the group before.
      client.signal('SIGQUIT');
      const { outcome, stdout } = await client.end();
      expect(outcome).toEqual({ kind: 'exited', exitCode: 4, interrupted: true, receivedSignal: 'SIGINT' });
      expect(stdout).toBe('ready\nINT\nHUP\nUSR1\nQUIT\n');
    });

    test.each(['us alone', 'the group'])(
      'a signal to %s before the command exists reaches the command',
      async (whom) => {
        using world = makeWorld(user);
        world.mount();
        const release = await hold(world);
        gate(world);
        const client = startClient(world, world.sh('read line < gate'), { user });
        await until(() => client.place());
        client.signal('SIGINT', whom === 'us alone' ? 'alone' : 'group');
        release();
        const { outcome } = await client.end();
        expect(outcome).toEqual({ kind: 'exited', exitCode: 130, interrupted: true, receivedSignal: 'SIGINT' });
      },
    );

    // The user makes no difference here, and the wait takes five seconds.
    test.runIf(user.uid === null)(
      'with a taken lease, nothing is started, and an interrupt ends the wait',
      async () => {
        using world = makeWorld(user);
        world.mount();
        const release = await hold(world);
        const [patient, stopped] = [0, 1].map(() => startClient(world, world.sh('echo ran'), { user }));
        await until(() => stopped?.place());
        stopped?.signal('SIGTERM');
        expect((await patient?.end())?.outcome).toMatchObject({
          kind: 'not-started',
          reason: expect.stringContaining('lease'),
        });
        expect((await stopped?.end())?.outcome).toMatchObject({ exitCode: 143, receivedSignal: 'SIGTERM' });
        release();
      },
    );

    test('a command that ends well after an interrupt still counts as interrupted', async () => {
      using world = makeWorld(user);
      world.mount();
      const client = startClient(world, world.sh("trap 'kill $!; exit 0' TERM; sleep 1000 & echo ready; wait"), {
        user,
      });
      await saysAs(client, 'ready');
      client.signal('SIGTERM');
      const { outcome } = await client.end();
      expect(outcome).toEqual({ kind: 'exited', exitCode: 0, interrupted: true, receivedSignal: 'SIGTERM' });
    });

    test('a signal that was ignored at the start stays ignored', async () => {
      using world = makeWorld(user);
      world.mount();
      const client = startClient(world, world.sh('sleep 1000 & echo ready; wait; exit 5'), {
        user,
        job: { ignored: ['HUP'] },
      });
      await saysAs(client, 'ready');
      client.signal('SIGHUP', 'group');
      client.signal('SIGHUP');
      const place = await until(() => client.place());
      const sleep = await until(() => findSurvivors(place).find(({ name }) => name === 'sleep'));
      signalProcess(sleep.pid, 'SIGKILL');
      const { outcome } = await client.end();
      expect(outcome).toEqual({ kind: 'exited', exitCode: 5, interrupted: false, receivedSignal: null });
    });
  });

  requireCommands('bwrap', 'flock')('when we are killed', () => {
    test('the command continues and holds its lease until its end; then nothing is left', async () => {
      using world = makeWorld(user);
      const mount = world.mount();
      const open = gate(world);
      const client = startClient(world, world.sh('echo ready; read line < gate; echo end > volume/end'), { user });
      await saysAs(client, 'ready');
      const place = await until(() => client.place());
      const { command, monitor } = await processesIn(place);
      client.signal('SIGKILL');
      expect((await client.end()).outcomes).toEqual([]);
      expect(readStat(monitor)?.name).toBe('bwrap');
      expect(await runtime.survivors(place)).toEqual([command]);
      expect(isLocked(world.lease)).toBe(true);
      open();
      await until(() => !isLocked(world.lease));
      await until(() => readStat(monitor) === null);
      expect(await runtime.survivors(place)).toEqual([]);
      expect(readFileSync(join(mount.upperDir, 'end'), 'utf8')).toBe('end\n');
    });

    test('at any moment of its start, the command ends by itself and leaves nothing', async () => {
      using world = makeWorld(user);
      world.mount();
      for (let afterMs = 0; afterMs < 12; afterMs += 1) {
        const client = startClient(world, world.sh(':'), { user });
        const place = await until(() => client.place());
        await wait(afterMs);
        client.signal('SIGKILL');
        await client.end();
        await until(() => !isLocked(world.lease));
        await until(() => findSurvivors(place).length === 0);
      }
    });

    test('before the command exists, it still starts and ends by itself', async () => {
      using world = makeWorld(user);
      world.mount();
      const release = await hold(world);
      const client = startClient(world, world.sh('echo ran'), { user });
      await until(() => client.place());
      client.signal('SIGKILL');
      await client.end();
      release();
      await saysAs(client, 'ran');
      await until(() => !isLocked(world.lease));
    });

    test('a killed monitor loses the exit code: the run is interrupted, and the command is found', async () => {
      using world = makeWorld(user);
      world.mount();
      gate(world);
      const client = startClient(world, world.sh('echo ready; read line < gate'), { user });
      await saysAs(client, 'ready');
      const place = await until(() => client.place());
      const { command, monitor } = await processesIn(place);
      signalProcess(monitor, 'SIGKILL');
      const { outcome } = await client.end();
      expect(outcome).toEqual({ kind: 'exited', exitCode: 137, interrupted: true, receivedSignal: null });
      expect(await runtime.survivors(place)).toEqual([command]);
      expect(await runtime.endSurvivors(place, 1000)).toEqual([]);
    });
  });
});
