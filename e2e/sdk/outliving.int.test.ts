import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeEngine, RunOptions } from '@cachelane/sdk/node';
import { describe, expect, test } from 'vitest';
import { until } from '../robustness/store.fixture.ts';
import { openSdkWorld, pathsOf, type SdkWorld } from './sdk-world.fixture.ts';

// Commands of programs, and processes that outlive them. The engine is real, and commands are children of this process.

async function client(on: SdkWorld): Promise<NodeEngine> {
  await on.serve();
  return await on.session(on.acme('web'));
}

/** Returns false for a process that has ended but was not reaped. */
function lives(pid: number): boolean {
  try {
    return !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Runs a shell command with the volume `data` in DIR and a directory for the test's own files in NOTES. */
async function shell(on: SdkWorld, engine: NodeEngine, script: string, options: RunOptions = {}) {
  const volumes = [{ volume: engine.cacheVolume('data'), variable: 'DIR' }];
  const env = { ...on.world.env, NOTES: on.world.dir };
  return await engine.run(['sh', '-c', script], { stdio: 'ignore', volumes, env, ...options });
}

const pidIn = (on: SdkWorld, name: string): number => Number(readFileSync(join(on.world.dir, name), 'utf8'));

/** Aborts as soon as the command has written a note of this name. */
function abortAt(on: SdkWorld, name: string): AbortSignal {
  const controller = new AbortController();
  void until(() => existsSync(join(on.world.dir, name))).then(() => controller.abort());
  return controller.signal;
}

describe('a command that is aborted', () => {
  test.each(['ignore', 'capture'] as const)('ends its processes, too, whoever reads its output: %s', async (stdio) => {
    await using on = openSdkWorld();
    const engine = await client(on);
    const signal = abortAt(on, 'begun');
    const script = `sh -c 'echo $$ > $NOTES/child; while :; do echo half > $DIR/half; sleep 0.01; done' &
      until [ -s $NOTES/child ] && [ -e $DIR/half ]; do :; done; echo > $NOTES/begun; wait`;
    await expect(shell(on, engine, script, { stdio, signal })).rejects.toMatchObject({ code: 'E_ABORTED' });
    expect(lives(pidIn(on, 'child'))).toBe(false);
    const { saved } = await shell(on, engine, 'echo mine > $DIR/mine');
    expect(saved).toMatchObject([{ added: 1 }]);
    expect(await pathsOf(engine.cacheVolume('data').entries())).toEqual(['mine']);
  });

  test('ends even if it ignores the signal', async () => {
    await using on = openSdkWorld();
    const engine = await client(on);
    const signal = abortAt(on, 'deaf');
    const script = 'trap "" TERM; echo $$ > $NOTES/pid; echo > $NOTES/deaf; while :; do sleep 0.1; done';
    await expect(shell(on, engine, script, { signal, volumes: [] })).rejects.toMatchObject({ code: 'E_ABORTED' });
    expect(lives(pidIn(on, 'pid'))).toBe(false);
  });
});

describe('a process that outlives its command', () => {
  test.each(['exit 0', 'exit 3'])('with volumes is ended and reported before the work is saved: %s', async (exit) => {
    await using on = openSdkWorld();
    const engine = await client(on);
    const script = `setsid sh -c 'echo $$ > $NOTES/child; while :; do echo half > $DIR/half; sleep 0.01; done' &
      until [ -s $NOTES/child ] && [ -e $DIR/half ]; do :; done; ${exit}`;
    const { saved, leftovers } = await shell(on, engine, script, { stdio: 'capture', allowFailure: true });
    const pid = pidIn(on, 'child');
    expect(lives(pid)).toBe(false);
    expect(leftovers).toContainEqual({ pid, name: 'sh' });
    expect(saved?.[0]?.added).toBe(exit === 'exit 0' ? 1 : 0);
  });

  test('keeps running if allowed, writes nothing into later runs, and blocks no reader of the output', async () => {
    await using on = openSdkWorld();
    const engine = await client(on);
    const loop =
      'echo $$ > $NOTES/child; until [ -e $NOTES/gate ]; do echo late > $DIR/late$(ls $DIR | wc -l); sleep 0.01; done';
    const script = `sh -c '${loop}' & until [ -s $NOTES/child ]; do :; done; echo said; echo first > $DIR/first`;
    const { stdout, leftovers } = await shell(on, engine, script, { stdio: 'capture', leaveProcesses: true });
    expect([stdout, leftovers]).toEqual(['said\n', []]);
    expect(lives(pidIn(on, 'child'))).toBe(true);
    const before = await pathsOf(engine.cacheVolume('data').entries());
    await shell(on, engine, 'sleep 0.3; echo mine > $DIR/mine');
    expect(await pathsOf(engine.cacheVolume('data').entries())).toEqual([...before, 'mine'].toSorted());
    on.world.write({ gate: '' });
    await until(() => !lives(pidIn(on, 'child')));
  });

  test('without volumes is left alone', async () => {
    await using on = openSdkWorld();
    const engine = await client(on);
    const script = `sh -c 'echo $$ > $NOTES/child; until [ -e $NOTES/gate ]; do sleep 0.01; done' & until [ -s $NOTES/child ]; do :; done; echo said`;
    const { stdout } = await shell(on, engine, script, { stdio: 'capture', volumes: [] });
    expect([stdout, lives(pidIn(on, 'child'))]).toEqual(['said\n', true]);
    on.world.write({ gate: '' });
    await until(() => !lives(pidIn(on, 'child')));
  });
});

describe('an engine that is killed', () => {
  test('leaves no path to a program or command that keeps writing', async () => {
    await using on = openSdkWorld();
    const { pid } = await on.serve();
    const directory = on.acme('web');
    const engine = await on.session(directory);
    const fork = await engine.attach([engine.cacheVolume('mine')]);
    const loop = `echo > $NOTES/begun; until [ -e $NOTES/gate ]; do echo half > $DIR/half || echo > $NOTES/failed; sleep 0.01; done`;
    const running = shell(on, engine, loop);
    running.catch(() => undefined);
    await until(() => existsSync(join(on.world.dir, 'begun')));
    process.kill(pid, 'SIGKILL');
    await until(() => !lives(pid));
    await on.serve();
    const next = await on.session(directory);
    const forks = [
      await next.attach([next.cacheVolume('mine')]),
      await next.attach([next.cacheVolume('data')], { samePath: true }),
    ];
    expect(() => {
      writeFileSync(join(fork.directory, 'late'), 'late');
    }).toThrow('ENOENT');
    await until(() => existsSync(join(on.world.dir, 'failed')));
    for (const each of forks) {
      writeFileSync(join(each.directory, 'own'), 'own');
      expect(await each.commit()).toMatchObject([{ added: 1 }]);
    }
    expect(await pathsOf(next.cacheVolume('data').entries())).toEqual(['own']);
    on.world.write({ gate: '' });
    await expect(running).rejects.toThrow();
  });
});

describe('an invalid command or volume', () => {
  test('fails with a clear message', async () => {
    await using on = openSdkWorld();
    const engine = await client(on);
    const npm = engine.cacheVolume('npm');
    const asked: readonly [() => Promise<unknown>, string, string][] = [
      [() => engine.run('npm ci' as never), 'E_USAGE', 'the command is not a list of strings'],
      [() => engine.run([]), 'E_USAGE', 'the command is empty'],
      [() => engine.run(['']), 'E_USAGE', 'the name of the command is empty'],
      [() => engine.run(['true', null as never]), 'E_USAGE', 'the command is not a list of strings'],
      [() => engine.run(['true'], { cwd: '/nope' }), 'E_COMMAND', 'cannot start true: there is no directory /nope'],
      [() => engine.run(['no-such-program']), 'E_COMMAND', 'ENOENT'],
      [() => engine.run(['true', 'a\0b']), 'E_COMMAND', 'cannot start true'],
      [() => engine.attach('npm' as never), 'E_USAGE', 'a list of volumes'],
      [() => engine.attach(['npm' as never]), 'E_USAGE', 'an element of the list is "npm"'],
      [() => engine.attach([null as never]), 'E_USAGE', 'an element of the list is null'],
      [() => engine.attach([{ volume: npm, variable: 'PATH' }]), 'E_USAGE', 'variable PATH has another meaning'],
      [() => engine.attach([{ volume: npm, variable: 'A=B' }]), 'E_USAGE', '"A=B" is not a valid name'],
      [() => engine.attach([npm], { lockTimeoutSeconds: Number.NaN }), 'E_USAGE', 'lockTimeoutSeconds is NaN'],
      [() => engine.attach([npm], { lockTimeoutSeconds: -1 }), 'E_LIMIT', 'lockTimeoutSeconds is -1, and must be 0 to'],
    ];
    for (const [ask, code, message] of asked) {
      await expect(ask()).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    }
  });
});
