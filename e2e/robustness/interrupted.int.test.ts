import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, worldUsers, type World } from '../cli.fixture.ts';
import { cachelaneLine, runProgram, startInTerminal, startProgram } from './programs.fixture.ts';
import { expectNoSessions, headsIn, until } from './store.fixture.ts';

// `always` saves whatever the exit code, but not after a signal.
const options = ['-v', 'data:data', '--commit=always'];

/** Writes to the volume, prints a line, and records every signal. */
const noting = `mkdir -p data; echo x > data/x
  for name in INT TERM HUP; do trap "echo $name >> signals; exit 9" $name; done
  echo started; while :; do sleep 0.01; done`;
const dying = 'mkdir -p data; echo x > data/x; echo started; exec sleep 1000';

const signalsIn = (world: World): string => readFileSync(join(world.dir, 'signals'), 'utf8');

async function expectNothingSaved(world: World): Promise<void> {
  expect(existsSync(join(world.store, 'state.db'))).toBe(true);
  expect(await headsIn(world)).toEqual([]);
  const next = await world.run(['sh', '-c', 'ls data'], { options });
  expect(next).toMatchObject({ code: 0, stdout: '' });
  await expectNoSessions(world);
}

/** Returns the command line with and without cachelane. */
function bothWays(script: string): readonly (readonly [string, string])[] {
  const command = ['sh', '-c', script];
  return [
    ['with volumes', cachelaneLine(['run', ...options, '--', ...command])],
    ['without us', `sh -c '${script.replaceAll("'", `'\\''`)}'`],
  ];
}

requireCommands(
  'bwrap',
  'flock',
  'script',
  'bash',
)('interrupted', () => {
  test('by Ctrl-C in a terminal: the command gets it once, its exit code is kept, and nothing is saved', async () => {
    const codes: unknown[] = [];
    for (const [how, line] of bothWays(noting)) {
      using world = openWorld();
      await using terminal = startInTerminal(world, `exec ${line}`);
      await terminal.says(/started/);
      terminal.type('\x03');
      codes.push(await terminal.finished);
      expect(signalsIn(world)).toBe('INT\n');
      if (how === 'with volumes') await expectNothingSaved(world);
    }
    expect(codes).toEqual([
      { code: 9, signal: null },
      { code: 9, signal: null },
    ]);
  });

  test('by Ctrl-C that the command does not handle: both processes die of the signal', async () => {
    const codes: unknown[] = [];
    for (const [how, line] of bothWays(dying)) {
      using world = openWorld();
      await using terminal = startInTerminal(world, `exec ${line}`);
      await terminal.says(/started/);
      terminal.type('\x03');
      codes.push((await terminal.finished).code);
      if (how === 'with volumes') await expectNothingSaved(world);
    }
    expect(codes).toEqual([130, 130]);
  });

  describe.each(worldUsers)('as %s', (user) => {
    test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('by %s to cachelane alone', async (signal) => {
      using world = openWorld({ user });
      const run = world.startRun(['sh', '-c', noting], { options });
      await run.said('started');
      run.child.kill(signal);
      expect(await run.finished).toMatchObject({ code: 9, signal: null });
      expect(signalsIn(world)).toBe(`${signal.slice(3)}\n`);
      await expectNothingSaved(world);
      const other = world.startRun(['sh', '-c', dying], { options });
      await other.said('started');
      other.child.kill(signal);
      expect(await other.finished).toMatchObject({ code: null, signal });
      await expectNothingSaved(world);
    });
  });

  test('by timeout(1): the command gets it once, with the exit code as without cachelane', async () => {
    for (const [how, line] of bothWays(noting)) {
      using world = openWorld();
      await using program = startProgram(world, ['bash', '-c', `exec timeout 600 ${line}`]);
      await program.says(/started/);
      // timeout(1) passes SIGTERM on, as it does when the time is over.
      program.child.kill('SIGTERM');
      expect(await program.finished).toEqual({ code: 9, signal: null });
      expect(signalsIn(world)).toBe('TERM\n');
      if (how === 'with volumes') await expectNothingSaved(world);
    }
  });

  test('by Ctrl-Z: the whole job stops, fg continues it, and its changes are saved', async () => {
    using world = openWorld();
    await using terminal = startInTerminal(world, 'bash --norc --noprofile -i');
    await terminal.says(/<prompt>/);
    // The script starts no program before it stops: a parent whose child is stopped between vfork and exec never enters state T.
    const script = 'echo $$ > pid; echo star""ted; read line; echo $line > data/x';
    terminal.type(`${cachelaneLine(['run', ...options, '--', 'sh', '-c', script])}\r`);
    await terminal.says(/started/);
    const pid = Number(readFileSync(join(world.dir, 'pid'), 'utf8'));
    const state = (): string | undefined => /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
    terminal.type('\x1a');
    await terminal.says(/Stopped/);
    await until(() => state() === 'T');
    terminal.type('fg; echo co""de=$?.\r');
    await until(() => state() === 'S');
    terminal.type('typed\r');
    await terminal.says(/code=0\./);
    expect(await headsIn(world)).toMatchObject([{ generation: 1 }]);
    terminal.type('exit\r');
    await terminal.finished;
  });
});

requireCommands('bwrap', 'flock')('a command that cannot be started', () => {
  test.each(worldUsers)('has the exit code that a shell gives it, as %s', async (user) => {
    using world = openWorld({ user });
    const save = 'echo "#!/bin/sh" > data/tool; echo "exit 3" >> data/tool';
    await world.run(['sh', '-c', save], { options });
    const code = async (...command: readonly string[]): Promise<number | null> =>
      (await world.run(command, { options })).code;
    expect(await code('no-such-command')).toBe(127);
    expect(await code('/no/such/command')).toBe(127);
    expect(await code('data/no-such-tool')).toBe(127);
    expect(await code('/etc/passwd')).toBe(126);
    expect(await code('/etc')).toBe(126);
    expect(await code('data/tool')).toBe(126);
    await world.run(['chmod', '+x', 'data/tool'], { options });
    expect(await code('data/tool')).toBe(3);
  });

  test('and a wrong option of cachelane itself exits with 125', async () => {
    using world = openWorld();
    for (const argv of [['run'], ['run', '--no-such-option', '--', 'true'], ['run', '-v', 'no/../name', 'true']]) {
      const { code, stderr } = await world.cachelane(argv);
      expect([argv, code]).toEqual([argv, 125]);
      expect(stderr).toMatch(/^cachelane: /);
    }
  });
});

requireCommands(
  'bwrap',
  'flock',
  'bash',
)('pipes', () => {
  test('the command gets its whole input', async () => {
    using world = openWorld();
    const input = 'a line of input\n'.repeat(400_000);
    const run = await world.run(['sh', '-c', 'cat > data/x; wc -c < data/x'], { options, input });
    expect(run).toMatchObject({ code: 0, stdout: `${input.length}\n` });
    const again = await world.run(['sh', '-c', 'sha1sum < data/x; cat'], { options, input: 'rest' });
    expect(again.stdout).toMatch(/^[0-9a-f]{40} {2}-\nrest$/);
  });

  test('large output is complete in both directions', async () => {
    using world = openWorld();
    const script = 'head -c 20000000 /dev/zero | tr "\\0" o; head -c 20000000 /dev/zero | tr "\\0" e >&2';
    const { stdout, stderr, code } = runProgram(world, [
      'bash',
      '-c',
      cachelaneLine(['run', '-q', ...options, '--', 'sh', '-c', script]),
    ]);
    expect([code, stdout.length, stderr.length]).toEqual([0, 20_000_000, 20_000_000]);
    expect([new Set(stdout), new Set(stderr)]).toEqual([new Set('o'), new Set('e')]);
  });

  test('a reader that stops reading, a full disk and a closed stdout behave as without cachelane', async () => {
    using world = openWorld();
    const endless = 'mkdir -p data; while echo y; do :; done 2>/dev/null; exit 4';
    const short = 'mkdir -p data; echo y; exit 4';
    const cases: readonly (readonly [string, (line: string) => string, string])[] = [
      [endless, (line) => `${line} | head -n 1; echo "\${PIPESTATUS[0]}"`, 'y\n141\n'],
      [endless, (line) => `${line} > /dev/full; echo $?`, '4\n'],
      [short, (line) => `${line} >&-; echo $?`, '4\n'],
    ];
    for (const [script, around, expected] of cases) {
      for (const [how, line] of bothWays(script)) {
        expect([how, runProgram(world, ['bash', '-c', around(line)]).stdout]).toEqual([how, expected]);
      }
    }
  });
});
