import { spawn, spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { endSurvivors, findSurvivors } from '../signals/survivors.ts';
import { sudoProblem } from '../chain/sudo-problem.ts';
import { allowSudo } from './sudo-rule.fixture.ts';
import { readStat } from '../system/proc.ts';
import {
  makeWorld,
  runClient,
  signalProcess,
  startClient,
  sudoUsers,
  sudoUsersWithImages,
  testUsers,
  until,
} from './world.fixture.ts';

// Compares a command whose volumes root mounts to the same command without cachelane.

const rule = allowSudo();
afterAll(() => rule.remove());

const succeeded = { kind: 'exited', exitCode: 0, interrupted: false, receivedSignal: null };

const suite = requireCommands('sudo', 'unshare', 'setpriv', 'perl');

const ownerOf = (path: string): number => lstatSync(path).uid;

const environment = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    text
      .split('\0')
      .filter((entry) => entry !== '')
      .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  );

test('the reason why sudo is unavailable is one clause', () => {
  expect(sudoProblem() ?? 'it can').toMatch(/^.{3,300}$/);
});

suite.each(sudoUsers.slice(-1))('sudo in a command, as $name', (user) => {
  test('works, and does not behind bubblewrap', async () => {
    using world = makeWorld(user);
    world.mount();
    const request = world.request(['sudo', '-n', 'id', '-u']);
    const through = await runClient(world, request, { user });
    expect(through.outcome).toEqual(succeeded);
    expect(through.stdout).toBe('0\n');
    const behind = await runClient(world, request, { user: { ...user, mountWith: 'bubblewrap' } });
    expect(behind.outcome).toMatchObject({ exitCode: 1 });
    expect(behind.stderr).toContain('no new privileges');
  });

  test('writes to the volume, as root does', async () => {
    using world = makeWorld(user);
    const mount = world.mount('volume', [{ file: 'seen' }]);
    const { outcome } = await runClient(world, world.sh('sudo -n cp volume/file volume/copy'), { user });
    expect(outcome).toEqual(succeeded);
    expect(readFileSync(join(mount.upperDir, 'copy'), 'utf8')).toBe('seen');
  });

  test("files that root wrote in the volumes become the user's, also behind a link", async () => {
    using world = makeWorld(user);
    const mounts = ['one', 'two', 'three'].map((name) => world.mount(name));
    const shown = world.dir('shown');
    const bound = { kind: 'directory', target: world.dir('bound'), path: shown, bind: true } as const;
    const script = `for volume in one two three bound; do
      sudo -n sh -c "chown root $volume; mkdir -p $volume/d; echo 1 > $volume/d/f; ln -s /etc/passwd $volume/d/l"; done; exit 5`;
    const { outcome, stderr } = await runClient(world, world.sh(script, { mounts: [...mounts, bound] }), { user });
    expect(stderr).toBe('');
    expect(outcome).toEqual({ ...succeeded, exitCode: 5 });
    const uid = user.uid ?? process.getuid?.();
    for (const dir of [...mounts.map(({ upperDir }) => upperDir), shown]) {
      for (const path of ['.', 'd', 'd/f', 'd/l']) expect(ownerOf(join(dir, path)), path).toBe(uid);
    }
    expect(ownerOf('/etc/passwd')).toBe(0);
  });

  test.each([
    ['the link to a volume’s directory', 'rm volume.upper.links/0/u_; ln -s "$PWD/roots" volume.upper.links/0/u_'],
    [
      'the directory of all links',
      'mv volume.upper.links gone; mkdir -p volume.upper.links/0; ln -s "$PWD/roots" volume.upper.links/0/u_',
    ],
    ['the directory itself', 'mv volume.upper gone; ln -s roots volume.upper'],
    ['entries of the directory', 'ln -s ../roots volume.upper/link; sudo -n ln -s "$PWD/roots/f" volume/of-root'],
  ])("a replaced path (%s) does not give its files to the command's user", async (_what, script) => {
    using world = makeWorld(user);
    world.mount();
    try {
      const made = 'sudo -n sh -c "mkdir -m 755 roots; echo x > roots/f; chmod 600 roots/f"; ls';
      const { outcome } = await runClient(world, world.sh(`${made}; ${script}; true`), { user });
      expect(outcome).toEqual(succeeded);
      const roots = join(world.root, 'roots');
      expect([ownerOf(roots), ownerOf(join(roots, 'f'))]).toEqual([0, 0]);
    } finally {
      spawnSync('sudo', ['-n', 'chown', '-R', String(user.uid ?? process.getuid?.()), world.root]);
    }
  });

  test('a volume whose directory belongs to root is refused with a reason', async () => {
    using world = makeWorld(user);
    const mount = world.mount();
    spawnSync('sudo', ['-n', 'chown', '0', mount.upperDir]);
    const { outcome, stdout } = await runClient(world, world.sh('echo ran'), { user });
    expect(outcome).toEqual({
      kind: 'not-started',
      reason: `the directory of the volume at ${mount.target} belongs to root`,
    });
    expect(stdout).toBe('');
    spawnSync('sudo', ['-n', 'chown', String(user.uid ?? process.getuid?.()), mount.upperDir]);
  });

  test('leaves no process of root, which the user could not end', async () => {
    using world = makeWorld(user);
    const mount = world.mount();
    world.mount('another');
    const loop = `while :; do date >> ${mount.target}/log; sleep 0.05; done`;
    const script = `sudo -n sh -c 'echo $$ > ${world.root}/pid; ${loop}' >/dev/null 2>&1 & until test -s ${world.root}/pid; do :; done`;
    const { outcome, stderr } = await runClient(world, world.sh(script), { user });
    expect(outcome).toEqual(succeeded);
    expect(stderr).toContain('cachelane: sh of another user outlived the command and is ended');
    expect(readStat(Number(readFileSync(join(world.root, 'pid'), 'utf8')))).toBeNull();
  });
});

describe.each(sudoUsers)('as $name', (user) => {
  suite('mounts made by root', () => {
    test('many layers, nested volumes and odd names work', async () => {
      using world = makeWorld(user);
      const odd = `a b'c"d\\e,f:g=h\n#%é`;
      const many = Array.from({ length: 40 }, (_, index) => ({ [`f${index}`]: '', all: String(index) }));
      world.mount(odd, many);
      const outer = world.mount('outer', [{ file: 'outer' }]);
      world.dir(join('outer', 'inner'));
      const inner = { ...world.mount('inner', [{ file: 'inner' }]), target: join(outer.target, 'inner') };
      const mounts = [inner, ...world.request([]).mounts.filter((mount) => !mount.target.endsWith('/inner'))];
      const argv = ['sh', '-c', 'cd "$1" && cat all ../outer/file ../outer/inner/file && ls f* | wc -l', 'sh', odd];
      const { outcome, stdout, stderr } = await runClient(world, world.request(argv, { mounts }), { user });
      expect(stderr).toBe('');
      expect(outcome).toEqual(succeeded);
      expect(stdout).toBe('0outerinner40\n');
    });

    test('more layers than fit into one mount option are refused before the run', async () => {
      using world = makeWorld(user);
      const mount = world.mount();
      const lowerDirs = Array.from({ length: 120 }, () => mount.lowerDirs[0] ?? '');
      const { outcome } = await runClient(world, world.sh('echo ran', { mounts: [{ ...mount, lowerDirs }] }), { user });
      expect(outcome).toEqual({ kind: 'not-started', reason: expect.stringContaining('more layers') });
    });

    test('a missing layer or directory stops the run with its name', async () => {
      using world = makeWorld(user);
      const mount = world.mount();
      const mounts = [{ ...mount, lowerDirs: [join(world.root, 'no-such-layer')] }];
      const requests = [
        world.sh('echo ran', { mounts }),
        world.request(['echo', 'ran'], { cwd: `${world.root}/none` }),
      ];
      const { outcomes, stdout, stderr } = await runClient(world, requests, { user });
      expect(outcomes).toEqual([
        { kind: 'not-started', reason: expect.stringMatching(/^mount: .*volume/) },
        { kind: 'not-started', reason: expect.stringMatching(/^Can't chdir to .*none: No such file/) },
      ]);
      expect(stdout + stderr).toBe('');
    });

    test("nothing is left beside the session’s directories, and the kernel's directories belong to the user", async () => {
      using world = makeWorld(user);
      const mount = world.mount();
      await runClient(world, world.sh('touch volume/x; rm volume/x'), { user });
      const names = readdirSync(world.root).filter((name) => !name.startsWith('job-'));
      expect(names.toSorted()).toEqual(['lease', 'volume', 'volume.lower0', 'volume.upper', 'volume.work']);
      const { stdout } = spawnSync('stat', ['-c', '%u', join(mount.workDir, 'work')]);
      expect(stdout.toString().trim()).toBe(String(user.uid ?? process.getuid?.()));
    });
  });

  suite('the surroundings of a command with mounts made by root', () => {
    test('the environment is exactly the requested one, and in no argument', async () => {
      using world = makeWorld(user);
      world.mount();
      const env = {
        PATH: '/usr/bin:/bin',
        'INPUT_NODE-VERSION': '26',
        'BASH_FUNC_f%%': '() { :; }',
        EMPTY: '',
        LINES: 'a\nb=c',
        LD_LIBRARY_PATH: '/nowhere',
        BASH_ENV: '/nowhere',
        ENV: '/nowhere',
        PERL5OPT: '-Mnowhere',
        PWD: '/elsewhere',
        SECRET: 'kept-from-all',
      };
      const { stdout } = await runClient(world, world.request(['cat', '/proc/self/environ'], { env }), { user });
      expect(environment(stdout)).toEqual(env);
      const script = 'for p in $$ $PPID $(ps -o ppid= -p $PPID); do tr "\\0" " " < /proc/$p/cmdline; echo; done';
      const seen = await runClient(world, world.sh(script, { env }), { user });
      expect(seen.stdout).toContain('perl -e');
      expect(seen.stdout).not.toContain(env.SECRET);
      expect(readdirSync(world.root).filter((name) => /plan|status/.test(name))).toEqual([]);
    });

    test('preloaded libraries do not affect the tools of the chain', async () => {
      using world = makeWorld(user);
      world.mount();
      const env = { PATH: `${world.dir('bin')}:/usr/bin:/bin`, LD_PRELOAD: '/nowhere/preload.so' };
      const { outcome, stderr } = await runClient(world, world.request(['true'], { env }), { user });
      expect(outcome).toEqual(succeeded);
      expect(stderr.match(/nowhere/g)).toHaveLength(1);
    });

    test("the command has the caller's session, process group, umask, limits, user, groups, capabilities and signals", async () => {
      using world = makeWorld(user);
      const mount = world.mount();
      symlinkSync(mount.target, join(world.root, 'link'));
      const look =
        'cut -d" " -f7,19 /proc/self/stat; umask; ulimit -n; id; nice; pwd -P; grep -E "^(Sig(Blk|Ign)|Cap|NoNewPrivs|Cpus_allowed):" /proc/self/status';
      const prefix = ['sh', '-c', 'umask 0002; ulimit -S -n 300; exec "$@"', 'sh'];
      const cwd = join(world.root, 'link');
      const [within, without] = world.bothWays(world.sh(look, { cwd }));
      const bare = await runClient(world, without, { user, prefix });
      const mounted = await runClient(world, within, { user, prefix });
      expect(mounted.outcome).toEqual(succeeded);
      expect(mounted.stdout).toBe(bare.stdout);
      expect(mounted.stdout).toContain('\n0002\n');
    });

    test('the lease is held, and no other descriptor is added', async () => {
      using world = makeWorld(user);
      world.mount();
      const look = world.sh('for fd in /proc/$$/fd/*; do readlink $fd; done');
      const { stdout } = await runClient(world, look, { user });
      const files = stdout.split('\n').filter((name) => name.startsWith(world.root) && !/std(out|err)$/.test(name));
      expect(files).toEqual([world.lease]);
    });

    test('a command may have any name and any arguments', async () => {
      using world = makeWorld(user);
      world.mount();
      const argv = ['printf', '<%s>', '', ' ', '-x', '--', 'a=b', "'", '\n', '*', 'é', '\\'];
      const { stdout } = await runClient(world, world.request(argv), { user });
      expect(stdout).toBe("<>< ><-x><--><a=b><'><\n><*><é><\\>");
    });
  });
});

const listener = `
  for name in INT HUP USR1; do trap "echo $name" $name; done
  trap 'echo QUIT; kill $!; exit 4' QUIT
  sleep 1000 &
  echo ready
  while :; do wait; done`;

describe.each([...sudoUsers, ...sudoUsersWithImages])('as $name', (user) => {
  suite('signals, through sudo', () => {
    test.each(['alone', 'group'] as const)('%s: each signal reaches the command once', async (whom) => {
      using world = makeWorld(user);
      world.mount();
      const client = startClient(world, world.sh(listener), { user });
      const says = async (lines: string): Promise<unknown> =>
        await until(() => client.stdout() === lines.replaceAll(' ', '\n') + '\n' && !client.hasPendingSignals());
      await says('ready');
      client.signal('SIGINT', whom);
      await says('ready INT');
      client.signal('SIGHUP', whom);
      await says('ready INT HUP');
      client.signal('SIGUSR1', whom);
      await says('ready INT HUP USR1');
      client.signal('SIGQUIT');
      const { outcome, stdout } = await client.end();
      expect(outcome).toEqual({ kind: 'exited', exitCode: 4, interrupted: true, receivedSignal: 'SIGINT' });
      expect(stdout).toBe('ready\nINT\nHUP\nUSR1\nQUIT\n');
    });

    test.each(['alone', 'group'] as const)(
      '%s: a signal before the command exists reaches the command',
      async (whom) => {
        using world = makeWorld(user);
        world.mount();
        const holder = spawn('flock', [world.lease, 'cat'], { stdio: ['pipe', 'ignore', 'ignore'] });
        await until(() => existsSync(world.lease) && spawnSync('flock', ['-n', world.lease, 'true']).status === 1);
        spawnSync('mkfifo', ['--mode=666', join(world.root, 'gate')]);
        const client = startClient(world, world.sh('read line < gate'), { user });
        await until(() => client.place());
        client.signal('SIGINT', whom);
        holder.stdin.end();
        expect((await client.end()).outcome).toEqual({
          kind: 'exited',
          exitCode: 130,
          interrupted: true,
          receivedSignal: 'SIGINT',
        });
      },
    );

    test('a killed monitor loses the exit code: interrupted, not run again, and the command is found', async () => {
      using world = makeWorld(user);
      world.mount();
      spawnSync('mkfifo', ['--mode=666', join(world.root, 'gate')]);
      const client = startClient(world, world.sh('echo ready; read line < gate'), { user });
      await until(() => client.stdout() === 'ready\n');
      const place = await until(() => client.place());
      const monitor = findSurvivors(place).find(({ name }) => name === 'perl');
      signalProcess(monitor?.pid, 'SIGKILL');
      const { outcome } = await client.end();
      expect(outcome).toEqual({ kind: 'exited', exitCode: 137, interrupted: true, receivedSignal: null });
      const [command, ...more] = findSurvivors(place);
      expect(more).toEqual([]);
      expect(readStat(command?.pid ?? 0)?.name).toBe('sh');
      expect(await endSurvivors(place, 1000)).toEqual([]);
    });

    test('after the client is killed, the command continues and holds its lease until its end', async () => {
      using world = makeWorld(user);
      const mount = world.mount();
      spawnSync('mkfifo', ['--mode=666', join(world.root, 'gate')]);
      const client = startClient(world, world.sh('echo ready; read line < gate; echo end > volume/end'), { user });
      await until(() => client.stdout() === 'ready\n');
      const place = await until(() => client.place());
      client.signal('SIGKILL');
      await client.end();
      expect(findSurvivors(place).map(({ name }) => name)).toContain('sh');
      expect(spawnSync('flock', ['-n', world.lease, 'true']).status).toBe(1);
      spawnSync('sh', ['-c', 'echo go > "$1"', 'sh', join(world.root, 'gate')]);
      await until(() => spawnSync('flock', ['-n', world.lease, 'true']).status === 0);
      await until(() => findSurvivors(place).length === 0);
      expect(readFileSync(join(mount.upperDir, 'end'), 'utf8')).toBe('end\n');
    });
  });
});

describe.each(testUsers.filter(({ uid }) => uid !== null))('without a rule, as $name', (user) => {
  suite('sudo', () => {
    test('does not wait for a password', async () => {
      using world = makeWorld(user);
      world.mount();
      const client = { user: { ...user, uid: 1, mountWith: 'sudo' } as const };
      spawnSync('chmod', ['-R', 'a+rwX', world.root]);
      const { outcome, stdout } = await runClient(world, world.sh('echo ran'), client);
      expect(outcome).toEqual({ kind: 'not-started', reason: 'sudo needs a password here' });
      expect(stdout).toBe('');
    });
  });
});
