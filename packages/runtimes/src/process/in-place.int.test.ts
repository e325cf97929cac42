import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunRequest } from '@cachelane/core';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { makeWorld, runClient, startClient, testUsers, until, type World } from './world.fixture.ts';

// Commands whose volumes are used in place: nothing is mounted, only the lease is added.

function inPlace(world: World, argv: readonly string[]): RunRequest {
  const path = world.dir('volume');
  return world.request(argv, { mounts: [{ kind: 'directory', target: path, path, bind: false }] });
}

const isFree = (lease: string): boolean => spawnSync('flock', ['--nonblock', lease, 'true']).status === 0;

/** Puts a script before the system's flock. */
function withFlock(world: World, script: string): readonly string[] {
  const bin = world.dir('bin');
  writeFileSync(join(bin, 'flock'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, 'flock'), 0o755);
  return ['env', `PATH=${bin}:/usr/bin:/bin`];
}

describe.each(testUsers)('as $name', (user) => {
  requireCommands('flock')('a command with nothing mounted', () => {
    test('holds the lease with its child processes; the client releases it after the command', async () => {
      using world = makeWorld(user);
      const script = `readlink /proc/$$/fd/3; flock --nonblock ${world.lease} echo free; sleep 1000 3<&3 & echo $!`;
      const { outcome, stdout } = await runClient(world, inPlace(world, ['sh', '-c', script]), { user });
      const [file, pid = ''] = stdout.trim().split('\n');
      try {
        expect(outcome).toMatchObject({ kind: 'exited', exitCode: 0 });
        expect(file).toBe(world.lease);
        expect(readlinkSync(`/proc/${pid}/fd/3`)).toBe(world.lease);
        expect(isFree(world.lease)).toBe(false);
      } finally {
        process.kill(Number(pid), 'SIGKILL');
      }
      await until(() => isFree(world.lease));
    });

    test('waits while another process checks the lease', async () => {
      using world = makeWorld(user);
      writeFileSync(world.lease, '');
      chmodSync(world.lease, 0o666);
      const holder = spawn('flock', [world.lease, 'cat'], { stdio: ['pipe', 'ignore', 'ignore'] });
      await until(() => !isFree(world.lease));
      const calls = join(world.root, 'calls');
      const prefix = withFlock(world, `echo call >> ${calls}; exec /usr/bin/flock "$@"`);
      const client = startClient(world, inPlace(world, ['echo', 'ran']), { user, prefix });
      await until(() => existsSync(calls) && readFileSync(calls, 'utf8') === 'call\ncall\n');
      holder.stdin.end();
      expect(await client.end()).toMatchObject({ outcome: { kind: 'exited', exitCode: 0 }, stdout: 'ran\n' });
    });

    test('does not start without the lease, and says why', async () => {
      using world = makeWorld(user);
      const prefix = withFlock(world, 'exit 71');
      const missing = { ...inPlace(world, ['echo', 'ran']), leaseFile: join(world.root, 'none', 'lease') };
      const { outcomes, stdout } = await runClient(world, [missing, inPlace(world, ['echo', 'ran'])], { user, prefix });
      expect(outcomes).toEqual([
        { kind: 'not-started', reason: `${missing.leaseFile} cannot be opened (ENOENT)` },
        { kind: 'not-started', reason: 'flock failed (exit code 71)' },
      ]);
      expect(stdout).toBe('');
    });

    test('an interrupt during the wait for the lease ends the run', async () => {
      using world = makeWorld(user);
      const [asked, answer] = [join(world.root, 'asked'), join(world.root, 'answer')];
      const prefix = withFlock(world, `echo > ${asked}; until test -e ${answer}; do sleep 0.01; done; exit 99`);
      const client = startClient(world, inPlace(world, ['echo', 'ran']), { user, prefix });
      await until(() => existsSync(asked));
      client.signal('SIGTERM');
      writeFileSync(answer, '');
      const { outcome, stdout } = await client.end();
      expect(outcome).toEqual({ kind: 'exited', exitCode: 143, interrupted: true, receivedSignal: 'SIGTERM' });
      expect(stdout).toBe('');
    });

    test("a missing or invalid command gives a shell's error", async () => {
      using world = makeWorld(user);
      const plain = join(world.dir('plain', { file: 'text' }), 'file');
      const requests = [['no-such-command'], [plain], ['']].map((argv) => inPlace(world, argv));
      const { outcomes, stderr } = await runClient(world, requests, { user });
      expect(outcomes.map((outcome) => outcome.kind === 'exited' && outcome.exitCode)).toEqual([127, 126, 127]);
      expect(stderr).toBe(
        `cachelane: no-such-command: command not found\ncachelane: ${plain}: Permission denied\ncachelane: : command not found\n`,
      );
    });

    test('keeps ignored signals, and supports names that env would interpret', async () => {
      using world = makeWorld(user);
      const script = join(world.root, 'a=b');
      writeFileSync(script, '#!/bin/sh\ngrep SigIgn /proc/self/status > sigign\n');
      chmodSync(script, 0o755);
      const request = { ...inPlace(world, ['a=b']), env: { PATH: `${world.root}:/usr/bin:/bin` } };
      const { outcome } = await runClient(world, request, { user, job: { ignored: ['HUP'] } });
      expect(outcome).toMatchObject({ kind: 'exited', exitCode: 0 });
      const mask = BigInt(`0x${readFileSync(join(world.root, 'sigign'), 'utf8').replace('SigIgn:', '').trim()}`);
      expect(mask & 1n).toBe(1n);
    });
  });
});
