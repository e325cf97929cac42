import { chmodSync, closeSync, existsSync, openSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { makeWorld, runClient, testUsers, testUsersWithImages, type World } from './world.fixture.ts';

// Compares a command with volumes to the same command without cachelane.

const succeeded = { kind: 'exited', exitCode: 0, interrupted: false, receivedSignal: null };

function script(world: World, name: string, text: string): string {
  const path = join(world.root, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Parses a `/proc/PID/environ`. */
const environment = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    text
      .split('\0')
      .filter((entry) => entry !== '')
      .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  );

/** Drops the process group and session at the start of a `/proc/PID/stat`. */
const ignoringIds = (text: string): string => text.replace(/^\d+ \d+ /, '');

const suite = requireCommands('bwrap', 'flock');

describe.each([...testUsers, ...testUsersWithImages])('as $name', (user) => {
  suite('volumes', () => {
    test('the top layer wins, writes go to the upper directory, the host sees nothing', async () => {
      using world = makeWorld(user);
      const mount = world.mount('volume', [
        { a: 'top' },
        { a: 'middle', b: 'middle' },
        { a: 'low', b: 'low', c: 'low' },
      ]);
      const { outcome, stdout } = await runClient(world, world.sh('cd volume && cat a b c && echo new > d'), { user });
      expect(outcome).toEqual(succeeded);
      expect(stdout).toBe('topmiddlelow');
      expect(readFileSync(join(mount.upperDir, 'd'), 'utf8')).toBe('new\n');
      expect(existsSync(join(mount.target, 'a'))).toBe(false);
      expect(existsSync(join(mount.target, 'd'))).toBe(false);
    });

    test('sixteen layers, nested volumes and odd names work', async () => {
      using world = makeWorld(user);
      const odd = `a b'c"d\\e,f:g=h\n#%é`;
      const many = Array.from({ length: 16 }, (_, index) => ({ [`f${index}`]: '', all: String(index) }));
      world.mount(odd, many);
      // Listed first, but mounted after the volume around it.
      const outer = world.mount('outer', [{ file: 'outer' }]);
      world.dir(join('outer', 'inner'));
      world.dir(join('outer.lower0', 'inner'));
      const inner = { ...world.mount('inner', [{ file: 'inner' }]), target: join(outer.target, 'inner') };
      const mounts = [inner, ...world.request([]).mounts.filter((mount) => !mount.target.endsWith('/inner'))];
      const request = world.request(
        ['sh', '-c', 'cd "$1" && echo f* && cat all ../outer/file ../outer/inner/file', 'sh', odd],
        {
          mounts,
        },
      );
      const { outcome, stdout, stderr } = await runClient(world, request, { user });
      expect(stderr).toBe('');
      expect(outcome).toEqual(succeeded);
      expect(stdout).toBe(
        `${many
          .map((_, index) => `f${index}`)
          .toSorted()
          .join(' ')}\n0outerinner`,
      );
    });

    test('a target that is a symbolic link is the directory it points to', async () => {
      using world = makeWorld(user);
      const mount = world.mount('real', [{ file: 'seen' }]);
      symlinkSync(mount.target, join(world.root, 'link'));
      const mounts = [{ ...mount, target: join(world.root, 'link') }];
      const { stdout, outcome } = await runClient(world, world.sh('cat link/file real/file', { mounts }), { user });
      expect(outcome).toEqual(succeeded);
      expect(stdout).toBe('seenseen');
    });

    test('a file system that is mounted inside the target is covered', async () => {
      using world = makeWorld(user);
      const mount = world.mount('volume', [{ file: 'seen' }]);
      world.dir(join('volume', 'sub'));
      const prefix = ['bwrap', '--dev-bind', '/', '/', '--tmpfs', join(mount.target, 'sub'), '--'];
      const { stdout, outcome } = await runClient(world, world.sh('echo volume/*'), { user, prefix });
      expect(outcome).toEqual(succeeded);
      expect(stdout).toBe('volume/file\n');
    });

    test('/proc, /sys, /dev/shm, /dev/pts and other mounts stay', async () => {
      using world = makeWorld(user);
      world.mount();
      const list =
        'sed "s/^[0-9]* [0-9]* [^ ]* //; s/ .*//" /proc/self/mountinfo | sort | uniq; test -w /dev/shm && echo > /dev/null';
      const without = await runClient(world, world.sh(list, { mounts: [], leaseFile: null }), { user });
      const within = await runClient(world, world.sh(list), { user });
      expect(within.outcome).toEqual(succeeded);
      expect(within.stdout.split('\n')).toEqual(expect.arrayContaining(without.stdout.split('\n')));
    });
  });

  suite('the surroundings of a command', () => {
    test('the environment is exactly the requested one', async () => {
      using world = makeWorld(user);
      world.mount();
      const env = {
        PATH: '/usr/bin:/bin',
        'INPUT_NODE-VERSION': '26',
        'BASH_FUNC_f%%': '() { :; }',
        EMPTY: '',
        LINES: 'a\nb=c',
        LD_LIBRARY_PATH: '/nowhere',
        SECRET: 'not in any argument',
      };
      const request = world.request(['cat', '/proc/self/environ', '/proc/self/cmdline'], { env });
      const { stdout } = await runClient(world, request, { user });
      expect(environment(stdout.slice(0, stdout.indexOf('cat\0')))).toEqual(env);
      const withFolder = { ...env, PWD: '/elsewhere', OLDPWD: '/before', _: 'x', SHLVL: '7' };
      const second = await runClient(
        world,
        { ...request, argv: ['cat', '/proc/self/environ'], env: withFolder },
        { user },
      );
      expect(environment(second.stdout)).toEqual(withFolder);
      // Everybody can read the monitor's arguments.
      const monitor = await runClient(world, world.sh('cat /proc/$PPID/cmdline', { env }), { user });
      expect(monitor.stdout).toContain('--overlay');
      expect(monitor.stdout).not.toContain(env.SECRET);
    });

    test('preloaded libraries do not affect the tools of the chain', async () => {
      using world = makeWorld(user);
      world.mount();
      const env = { PATH: '/usr/bin:/bin', LD_PRELOAD: '/nowhere/preload.so' };
      const { outcome, stderr } = await runClient(world, world.request(['true'], { env }), { user });
      expect(outcome).toEqual(succeeded);
      expect(stderr.match(/nowhere/g)).toHaveLength(1);
    });

    test("the directory is kept, also inside a volume or under a link's name", async () => {
      using world = makeWorld(user);
      const mount = world.mount('volume', [{}]);
      world.dir(join('volume.lower0', 'only-there'));
      symlinkSync(mount.target, join(world.root, 'link'));
      const at = async (cwd: string) => await runClient(world, world.request(['pwd', '-P'], { cwd }), { user });
      expect((await at(world.root)).stdout).toBe(`${world.root}\n`);
      expect((await at(join(mount.target, 'only-there'))).stdout).toBe(`${mount.target}/only-there\n`);
      expect((await at(join(world.root, 'link'))).stdout).toBe(`${mount.target}\n`);
      expect((await at(join(world.root, 'no-such'))).outcome).toMatchObject({
        kind: 'not-started',
        reason: expect.stringContaining("Can't chdir to"),
      });
    });

    test("the command has the caller's session, process group, umask, limits and user", async () => {
      using world = makeWorld(user);
      world.mount();
      const look =
        'cut -d" " -f5,6,7,19 /proc/self/stat; umask; ulimit -n; id -u; id -g; nice; grep -E "^(SigBlk|SigIgn|Cpus_allowed):" /proc/self/status';
      const without = await runClient(world, world.sh(look, { mounts: [], leaseFile: null }), { user });
      const within = await runClient(world, world.sh(look), { user });
      expect(ignoringIds(within.stdout)).toBe(ignoringIds(without.stdout));
      const [group, session] = within.stdout.split(' ');
      expect(group).toBe(session);
    });

    test('the only additional descriptor is the lease', async () => {
      using world = makeWorld(user);
      world.mount();
      const look = world.sh('for fd in /proc/$$/fd/*; do readlink $fd; done; echo');
      const { stdout } = await runClient(world, world.bothWays(look), { user });
      const [within = '', without = ''] = stdout.split('\n\n');
      expect(within.split('\n').toSorted()).toEqual([...without.split('\n'), world.lease].toSorted());
    });

    test('every signal has its default action and none is blocked', async () => {
      using world = makeWorld(user);
      world.mount();
      const look = world.bothWays(world.request(['grep', '-E', 'Sig(Blk|Ign)', '/proc/self/status']));
      const { stdout } = await runClient(world, look, { user });
      expect(stdout.replaceAll(/\s0+\b/g, ' 0')).toBe('SigBlk: 0\nSigIgn: 0\n'.repeat(2));
      const nohup = await runClient(world, look, { user, job: { ignored: ['HUP', 'QUIT'] } });
      expect(nohup.stdout.replaceAll(/\s0+/g, ' ')).toBe('SigBlk: \nSigIgn: 5\n'.repeat(2));
    });
  });

  suite('names and arguments', () => {
    test('a command may have any name and any arguments', async () => {
      using world = makeWorld(user);
      world.mount();
      const env = { PATH: `${world.root}:/usr/bin:/bin` };
      const args = ['', ' ', '-x', '--', 'a=b', "'", '\n', '*', 'é', '\\', '--overlay'];
      const names = ['a=b', '-', '-x', '--help', '--', 'plain', 'white space'];
      for (const name of names) script(world, name, 'printf "<%s>" "${0##*/}" "$@"; echo');
      const requests = names.flatMap((name) => world.bothWays(world.request([name, ...args], { env })));
      const { stdout, stderr } = await runClient(world, requests, { user });
      const expected = names.map((name) => `${[name, ...args].map((arg) => `<${arg}>`).join('')}\n`.repeat(2));
      expect(stderr).toBe('');
      expect(stdout).toBe(expected.join(''));
    });

    test('a missing command ends with 127, one that is not executable with 126, with a message', async () => {
      using world = makeWorld(user);
      world.mount();
      writeFileSync(join(world.root, 'plain'), '');
      const names = ['no-such-command', '', './plain', '/'];
      const requests = names.flatMap((name) => world.bothWays(world.request([name])));
      const { outcomes, stderr } = await runClient(world, requests, { user });
      const codes = outcomes.map((outcome) => (outcome.kind === 'exited' ? outcome.exitCode : outcome.reason));
      expect(codes).toEqual([127, 127, 127, 127, 126, 126, 126, 126]);
      expect(stderr.split('\n').slice(0, 2)).toEqual([
        expect.stringMatching(/no-such-command.*No such file/),
        'cachelane: no-such-command: command not found',
      ]);
      expect(stderr.match(/plain.*Permission denied/g)).toHaveLength(2);
    });

    test('more arguments than bubblewrap takes are refused before the run; without volumes there is no limit', async () => {
      using world = makeWorld(user);
      world.mount();
      const argv = ['true', ...Array.from({ length: 9100 }, String)];
      const { outcome } = await runClient(world, world.request(argv), { user });
      expect(outcome).toEqual({ kind: 'not-started', reason: expect.stringContaining('9000') });
      const bare = await runClient(world, world.request(argv, { mounts: [], leaseFile: null }), { user });
      expect(bare.outcome).toEqual(succeeded);
    });
  });

  suite('exit codes and streams', () => {
    test("the exit code is the command's, or tells the signal", async () => {
      using world = makeWorld(user);
      world.mount();
      const ends: readonly (readonly [string, number, boolean])[] = [
        ['exit 0', 0, false],
        ['exit 1', 1, false],
        ['exit 125', 125, false],
        ['exit 255', 255, false],
        ['kill -KILL $$', 137, true],
        ['kill -INT $$', 130, true],
        ['kill -SEGV $$', 139, true],
      ];
      const requests = ends.flatMap(([text]) => world.bothWays(world.sh(text)));
      const { outcomes } = await runClient(world, requests, { user });
      expect(outcomes).toEqual(
        ends
          .map(([, exitCode, interrupted]) => ({ kind: 'exited', exitCode, interrupted, receivedSignal: null }))
          .flatMap((outcome) => [outcome, outcome]),
      );
    });

    test('large input and output pass, the end of stdin arrives, and a reader that leaves ends the writer', async () => {
      using world = makeWorld(user);
      world.mount();
      const input = join(world.root, 'input');
      writeFileSync(input, 'x'.repeat(5_000_000));
      for (const request of world.bothWays(world.sh('tr x y | cat'))) {
        const stdin = openSync(input, 'r');
        const { stdout } = await runClient(world, request, { user, stdin });
        closeSync(stdin);
        expect(stdout).toBe('y'.repeat(5_000_000));
      }
      const left = await runClient(world, world.bothWays(world.request(['yes'])), { user, prefix: closedStdout });
      const outcome = { kind: 'exited', exitCode: 141, interrupted: true, receivedSignal: null };
      expect(left.outcomes).toEqual([outcome, outcome]);
    });

    test('process substitution of the calling shell reaches the command', async () => {
      using world = makeWorld(user);
      world.mount();
      const prefix = ['bash', '-c', '"$@" 63< <(echo handed down)', 'bash'];
      const { stdout } = await runClient(world, world.request(['bash', '-c', 'cat <&63']), { user, prefix });
      expect(stdout).toBe('handed down\n');
    });
  });
});

/** A stdout whose reader is gone. */
const closedStdout: readonly string[] = ['bash', '-c', 'exec > >(true); wait "$!"; exec "$@"', 'bash'];
