import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { readStat } from '../system/proc.ts';
import type { Job } from './run-command.fixture.ts';
import { keys, openTerminal } from './terminal.fixture.ts';
import {
  makeWorld,
  nodeBinary,
  runCommandProgram,
  type TestUser,
  sudoUsers,
  testUsers,
  testUsersWithImages,
  until,
  type World,
  writeJob,
} from './world.fixture.ts';

interface ClientLine {
  /** Runs a script through us. */
  readonly line: string;
  /** Whether the result was reported. */
  readonly ended: () => boolean;
}

function client(world: World, script: string, how: string, user: TestUser, rest: Partial<Job> = {}): ClientLine {
  const [mounted, bare] = world.bothWays(world.sh(script));
  const path = world.dir('kept');
  const inPlace = { ...mounted, mounts: [{ kind: 'directory', target: path, path, bind: false } as const] };
  const request = how === 'bare' ? bare : how === 'in place' ? inPlace : mounted;
  const job = writeJob(world, [request], { user, job: rest });
  return { line: `${nodeBinary} ${runCommandProgram} ${job}`, ended: () => existsSync(`${job}.outcomes`) };
}

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

// With sudo, job control depends on sudo.
const mountedByRoot = sudoUsers.filter(({ uid }) => uid === null && process.getuid?.() === 0);

describe.each([...testUsers, ...testUsersWithImages, ...mountedByRoot])('as $name', (user) => {
  requireCommands(
    'bwrap',
    'flock',
    'script',
    'bash',
  )('in a terminal, where script(1) can make one', () => {
    describe.each(['with volumes', 'in place', 'bare'])('%s', (how) => {
      test('Ctrl-C and Ctrl-\\ reach the command once each, and the client survives them', async () => {
        using world = makeWorld(user);
        world.mount();
        // Ctrl-\\ ends the sleep too, perhaps already.
        const script = `trap 'echo got-int' INT; trap 'echo got-quit; kill $! 2>/dev/null; exit 5' QUIT; sleep 1000 & echo pid=$$.; while :; do wait; done`;
        await using terminal = await openTerminal(world.root);
        terminal.type(`${client(world, script, how, user).line}; echo code=$?.${keys.enter}`);
        await terminal.shows(/pid=\d+/);
        terminal.type(keys.interrupt);
        await terminal.shows(/got-int/);
        terminal.type(keys.interrupt);
        await terminal.shows(/got-int/);
        terminal.type(keys.quit);
        await terminal.shows(/got-quit\s+code=5\./);
        expect(count(terminal.screen(), /got-int/g)).toBe(2);
        expect(count(terminal.screen(), /got-quit/g)).toBe(1);
      });

      test('Ctrl-C ends a command without a handler with 130', async () => {
        using world = makeWorld(user);
        world.mount();
        await using terminal = await openTerminal(world.root);
        terminal.type(`${client(world, 'echo pid=$$.; exec sleep 1000', how, user).line}; echo code=$?.${keys.enter}`);
        await terminal.shows(/pid=\d+/);
        terminal.type(keys.interrupt);
        await terminal.shows(/code=130\./);
      });

      test('a Ctrl-C just before the start reaches the command', async () => {
        using world = makeWorld(user);
        world.mount();
        const go = join(world.root, 'go');
        await using terminal = await openTerminal(world.root);
        const { line } = client(world, 'exec sleep 1000', how, user, { busyUntil: go });
        terminal.type(`${line}; echo code=$?.${keys.enter}`);
        await terminal.shows(/busy/);
        terminal.type(keys.interrupt);
        // The terminal shows ^C after it sent the signal.
        await terminal.shows(/\^C/);
        writeFileSync(go, '');
        await terminal.shows(/code=130\./);
      });

      test('Ctrl-Z stops all processes; bg and fg continue them', async () => {
        using world = makeWorld(user);
        world.mount();
        await using terminal = await openTerminal(world.root);
        terminal.type(`${client(world, 'echo pid=$$.; exec sleep 1000', how, user).line}; echo code=$?.${keys.enter}`);
        const pid = Number((await terminal.shows(/pid=(\d+)\./))[1]);
        const state = (): string | undefined => readStat(pid)?.state;
        await until(() => readStat(pid)?.name === 'sleep');
        terminal.type(keys.suspend);
        await terminal.shows(/Stopped/);
        await until(() => state() === 'T');
        terminal.type(`bg${keys.enter}`);
        await until(() => state() === 'S');
        terminal.type(`fg${keys.enter}`);
        await terminal.shows(/fg\s[^\n]*\n/);
        await until(() => readStat(pid)?.foregroundGroup === readStat(pid)?.group);
        terminal.type(keys.suspend);
        await terminal.shows(/Stopped/);
        await until(() => state() === 'T');
        terminal.type(`fg; echo code=$?.${keys.enter}`);
        await until(() => state() === 'S');
        terminal.type(keys.interrupt);
        await terminal.shows(/code=130\./);
      });

      test('a background command that reads the terminal stops, and reads it in the foreground', async () => {
        using world = makeWorld(user);
        world.mount();
        await using terminal = await openTerminal(world.root);
        const script = 'echo pid=$$.; read line < /dev/tty; echo "read $line."';
        const { line, ended } = client(world, script, how, user);
        terminal.type(`${line} &${keys.enter}`);
        const pid = Number((await terminal.shows(/pid=(\d+)\./))[1]);
        await until(() => readStat(pid)?.state === 'T');
        // The shell watches the client, and `fg` continues only processes that the shell saw stop.
        do terminal.type(`jobs${keys.enter}`);
        while ((await terminal.shows(/\[1\]\S*\s+(Running|Stopped)/))[1] !== 'Stopped');
        terminal.type(`fg${keys.enter}`);
        await until(() => readStat(pid)?.state === 'S');
        terminal.type(`hello${keys.enter}`);
        await terminal.shows(/read hello\./);
        await until(ended);
      });

      // The shell passes a hangup on, and the kernel sends another when the shell ends: at most two, as without cachelane.
      test.each([['in a shell', 2] as const, ['alone in its terminal', 1] as const])(
        '%s: a hangup reaches the command, which may finish its work',
        async (where, most) => {
          using world = makeWorld(user);
          world.mount();
          const script = `trap 'echo got-HUP >> signals; kill $!' HUP; sleep 1000 & echo pid=$$.; wait; wait; echo end >> signals`;
          const { line, ended } = client(world, script, how, user);
          await using terminal = await openTerminal(world.root, where === 'in a shell' ? undefined : line);
          if (where === 'in a shell') terminal.type(`${line}${keys.enter}`);
          await terminal.shows(/pid=\d+\./);
          await terminal.hangUp();
          await until(ended);
          const signals = readFileSync(join(world.root, 'signals'), 'utf8');
          expect(signals).toContain('end');
          expect(count(signals, /got-HUP/g)).toBeLessThanOrEqual(most);
        },
      );
    });

    test('kill %1 of the shell reaches the command once', async () => {
      using world = makeWorld(user);
      world.mount();
      const script = `trap 'echo got-TERM' TERM; trap 'kill $!; exit 5' INT; sleep 1000 & echo pid=$$.; while :; do wait; done`;
      await using terminal = await openTerminal(world.root);
      const { line } = client(world, script, 'with volumes', user);
      terminal.type(`${line} &${keys.enter}`);
      const pid = Number((await terminal.shows(/pid=(\d+)\./))[1]);
      terminal.type(`kill %1${keys.enter}`);
      await terminal.shows(/got-TERM/);
      terminal.type(`fg; echo code=$?.${keys.enter}`);
      await until(() => readStat(pid)?.foregroundGroup === readStat(pid)?.group);
      terminal.type(keys.interrupt);
      await terminal.shows(/code=5\./);
      expect(count(terminal.screen(), /got-TERM/g)).toBe(1);
    });
  });
});
