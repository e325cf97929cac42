import { chmodSync, chownSync, mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, worldUsers, type World } from '../cli.fixture.ts';
import { expectBare, expectCloned, type Call } from './bare.fixture.ts';
import { cachelaneLine, runProgram } from './programs.fixture.ts';
import { expectNoSessions, expectWholeHeads } from './store.fixture.ts';

const options = ['-v', 'data:data'];
const isRoot = process.getuid?.() === 0;

/** Calls the CLI in a mount namespace that a script prepares. `$STORE` is the home. */
function inNamespace(world: World, script: string, unshare = ['unshare', '--mount']): Call {
  return async (argv) => {
    const line = `set -e; STORE='${world.store}'; mkdir -p "$STORE"; ${script}; ${cachelaneLine(argv)}`;
    return await Promise.resolve(runProgram(world, [...unshare, 'sh', '-c', line]));
  };
}

/** Returns a shell line that runs a script in the volume. */
function line(script: string, ...more: readonly string[]): string {
  return cachelaneLine(['run', ...options, ...more, '--', 'sh', '-c', script]);
}

/** Covers the program with a mount, because PATH does not hide programs in the usual directories. */
function without(world: World, program: string): Call {
  return inNamespace(
    world,
    `for dir in /usr/local/bin /usr/bin /bin /usr/sbin /sbin; do [ ! -e $dir/${program} ] || mount --bind /etc/hostname $dir/${program}; done`,
  );
}

describe.each(worldUsers)('as %s', (user) => {
  requireCommands('bwrap', 'flock')('a home', () => {
    test('that is a file or is below one', async () => {
      using world = openWorld({ user });
      world.write({ store: '' });
      await expectBare({ world, why: /store is not a directory/ });
      world.env['CACHELANE_HOME'] = join(world.store, 'below');
      await expectBare({ world, why: /is below a file|is not a directory/ });
    });

    test('that is relative', async () => {
      using world = openWorld({ user, env: { CACHELANE_HOME: 'store' } });
      await expectBare({ world, why: /CACHELANE_HOME is not an absolute path: "store"/ });
    });

    test('that is a symlink is followed; one that leads nowhere or to itself is refused', async () => {
      using world = openWorld({ user });
      world.write({ 'real/.keep': '' });
      symlinkSync(join(world.dir, 'real'), world.store);
      await world.run(['sh', '-c', 'echo x > data/x'], { options });
      expect((await world.run(['cat', 'data/x'], { options })).stdout).toBe('x\n');
      await expectNoSessions(world);
      expect(readdirSync(join(world.dir, 'real'))).toContain('state.db');
      for (const [name, target] of [
        ['nowhere', join(world.dir, 'no/such')],
        ['itself', join(world.dir, 'itself')],
      ] as const) {
        symlinkSync(target, join(world.dir, name));
        world.env['CACHELANE_HOME'] = join(world.dir, name);
        await expectBare({ world, why: /nowhere|itself/ });
      }
    });
  });
});

requireCommands('bwrap', 'flock')('a home of another user', () => {
  test('that is not writable: the message names the fix', async () => {
    using world = openWorld({ user: 'ordinary user' });
    mkdirSync(world.store);
    chmodSync(world.store, 0o555);
    if (isRoot) chownSync(world.store, 65_534, 65_534);
    await expectBare({
      world,
      why: /store may not be read and written by this user[^]*set CACHELANE_HOME to a directory of your own/,
    });
    chmodSync(world.store, 0o755);
  });

  test.runIf(isRoot)('of root: an ordinary user gets a message, and nothing changes', async () => {
    using world = openWorld({ user: 'ordinary user' });
    mkdirSync(world.store, { mode: 0o777 });
    await expectBare({
      world,
      why: /belongs to user 0, and this command runs as user \d+[^]*set CACHELANE_HOME to a directory of your own/,
    });
    expect(readdirSync(world.store)).toEqual([]);
  });

  test.runIf(isRoot)('of an ordinary user, as root: refused, and the user’s own runs work afterwards', async () => {
    using world = openWorld({ user: 'ordinary user' });
    const asRoot: Call = async (argv) => await Promise.resolve(runProgram(world, ['sh', '-c', cachelaneLine(argv)]));
    const why = /belongs to user \d+, and this command runs as user 0[^]*run it without sudo/;
    // The default path and sudo(8) before the home exists, and both after it exists.
    delete world.env['CACHELANE_HOME'];
    await expectBare({ world, why, call: asRoot });
    world.env['CACHELANE_HOME'] = world.store;
    world.env['SUDO_UID'] = '65534';
    await expectBare({ world, why, call: asRoot });
    expect(readdirSync(world.dir)).not.toContain('store');
    // Root's runs without a cache left their directory, as without cachelane.
    world.exec(['true']);
    runProgram(world, ['rm', '-rf', 'data']);
    delete world.env['SUDO_UID'];
    await world.run(['sh', '-c', 'echo x > data/x'], { options });
    await expectBare({ world, why, call: asRoot });
    runProgram(world, ['rm', '-rf', 'data']);
    const next = await world.run(['sh', '-c', 'cat data/x; echo y > data/y'], { options: [...options, '--strict'] });
    expect(next).toMatchObject({ code: 0, stdout: 'x\n' });
    await expectNoSessions(world);
    expect(runProgram(world, ['find', world.store, '-uid', '0']).stdout).toBe('');
  });

  test.runIf(isRoot)('a step that becomes root inside a user’s run does not damage the home', async () => {
    using world = openWorld({ user: 'ordinary user' });
    // bubblewrap maps the user to root: the nested CLI believes that it is root and owns the home.
    const nested = `bwrap --dev-bind / / --unshare-user --uid 0 --gid 0 ${cachelaneLine(['run', '-q', '-v', 'data:data', '--', 'sh', '-c', 'echo in > data/in'])}`;
    const run = await world.run(['sh', '-c', `echo out > data/out; ${nested}`], { options });
    expect(run.code).toBe(0);
    const next = await world.run(['sh', '-c', 'ls data'], { options: [...options, '--strict'] });
    expect(next).toMatchObject({ code: 0, stdout: 'in\nout\n' });
    await expectWholeHeads(world);
    await expectNoSessions(world);
  });
});

requireCommands(
  'bwrap',
  'flock',
  'unshare',
  'mount',
)('the file system of a home', () => {
  const testAsRoot = test.runIf(isRoot);

  testAsRoot('is read-only: the user gets an error, and volumes can be listed', async () => {
    using world = openWorld();
    const readOnly = 'mount --bind "$STORE" "$STORE"; mount -o remount,ro,bind "$STORE"';
    await expectBare({
      world,
      why: /read-only|cannot be opened for writing|not ours/,
      call: inNamespace(world, readOnly),
    });
    await world.run(['sh', '-c', 'echo x > data/x'], { options });
    await expectBare({
      world,
      why: /read-only|cannot be opened for writing|not ours/,
      call: inNamespace(world, readOnly),
    });
    expect((await world.run(['cat', 'data/x'], { options })).stdout).toBe('x\n');
  });

  testAsRoot('is a tmpfs: caches work, and doctor says what becomes of them', async () => {
    using world = openWorld();
    // The tmpfs disappears with its namespace, so one namespace runs everything.
    const { code, stdout, stderr } = await inNamespace(
      world,
      `mount -t tmpfs none "$STORE"; ${line('echo x > data/x', '--strict')}; ${line('cat data/x', '--strict')}`,
    )(['doctor']);
    expect(stderr).not.toContain('warning');
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^x\n[^]*tmpfs: volumes are gone when the machine restarts/),
    ]);
  });

  testAsRoot('is an overlay: the command has a directory of its own, and doctor tells why', async () => {
    using world = openWorld();
    const script = `mkdir -p '${world.dir}/o/l' '${world.dir}/o/u' '${world.dir}/o/w'
      mount -t overlay none -o 'lowerdir=${world.dir}/o/l,upperdir=${world.dir}/o/u,workdir=${world.dir}/o/w' "$STORE"`;
    await expectCloned({
      world,
      why: /volumes cannot be mounted here/,
      doctor: /the home is on an overlay itself/,
      call: inNamespace(world, script),
    });
  });

  testAsRoot.each(['128k', '700k'])('is full at %s: the command runs without a cache', async (size) => {
    using world = openWorld();
    const fill = `mount -t tmpfs -o size=${size} none "$STORE"; chmod 700 "$STORE"; cat /dev/zero > "$STORE/fill" 2>/dev/null || :`;
    await expectBare({
      world,
      why: /no space is left/,
      doctor: /fail +free space: none/,
      call: inNamespace(world, fill),
    });
  });

  testAsRoot(
    'fills up during the command, or during the save: not saved, with the reason; the next run works',
    async () => {
      using world = openWorld();
      const line = (script: string, ...more: readonly string[]): string =>
        cachelaneLine(['run', ...options, ...more, '--', 'sh', '-c', script]);
      const small = 'mount -t tmpfs -o size=4m none "$STORE"; chmod 700 "$STORE"; export STORE';
      const during = await inNamespace(
        world,
        `${small}; ${line('echo kept > data/kept')}
       cat /dev/zero > "$STORE/fill" 2>&- || :; ${line('echo full; exit 3')} || echo "code $?"; rm "$STORE/fill"
       ${line('head -c 3500000 /dev/zero > data/big; cat /dev/zero > $STORE/fill 2>&-; echo code; exit 0')} || echo "failed $?"
       rm "$STORE/fill"`,
      )(['run', '--strict', ...options, '--', 'sh', '-c', 'ls data; echo after > data/after']);
      expect(during.stderr).toMatch(/data was not saved: there is no space left|not saved: .*no space/);
      expect([during.code, during.stdout]).toEqual([0, 'full\ncode 3\ncode\nkept\n']);
      // The command itself fails on the full disk, with its own exit code.
      const itself = await inNamespace(
        world,
        small,
      )(['run', ...options, '--', 'sh', '-c', 'head -c 8000000 /dev/zero > data/big || exit 9']);
      expect(itself.code).toBe(9);
    },
  );
});

requireCommands('bwrap', 'flock')('a machine', () => {
  test.runIf(isRoot).each([
    ['bwrap', /not installed: bwrap/, /install the package bubblewrap/],
    ['flock', /not installed: flock/, /install the package util-linux/],
  ] as const)(
    'without %s: the command has its own directory, and doctor says what to install',
    async (program, why, mend) => {
      using world = openWorld();
      await expectCloned({ world, why, doctor: mend, call: without(world, program) });
    },
  );

  test.runIf(isRoot)('without any right to mount: the command has its own directory', async () => {
    using world = openWorld();
    const confined: Call = async (argv) =>
      await Promise.resolve(
        runProgram(world, [
          'sh',
          '-c',
          `exec setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin ${cachelaneLine(argv)}`,
        ]),
      );
    await expectCloned({ world, why: /volumes cannot be mounted here/, doctor: /warn +mounts: /, call: confined });
  });

  test('without user namespaces for ordinary users: the command has its own directory', async () => {
    using world = openWorld();
    // A user namespace of its own can have the same limit as such machines.
    const limited: Call = async (argv) => {
      const line = `echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all ${cachelaneLine(argv)}`;
      return await Promise.resolve(runProgram(world, ['unshare', '--user', '--map-root-user', 'sh', '-c', line]));
    };
    await expectCloned({ world, why: /volumes cannot be mounted here/, doctor: /warn +mounts: /, call: limited });
    expect(statSync(world.store).isDirectory()).toBe(true);
  });
});
