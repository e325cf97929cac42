import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import type { OverlayProbe } from './probe-overlay.ts';
import {
  type ClientOptions,
  makeWorld,
  type TestUser,
  runClient,
  startClient,
  testUsers,
  type World,
} from './world.fixture.ts';

/** Puts fake programs before the system's, to play older versions. */
function withOlder(world: World, programs: Readonly<Record<string, string>>): ClientOptions['prefix'] {
  const folder = world.dir('older');
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return ['env', `PATH=${folder}:/usr/bin:/bin`];
}

async function probe(world: World, user: TestUser, prefix: ClientOptions['prefix'] = []): Promise<OverlayProbe> {
  const client = startClient(world, [], { user, prefix, job: { probeHome: world.dir('home') } });
  await client.end();
  return client.result<OverlayProbe>('probe');
}

describe.each(testUsers)('as $name', (user) => {
  requireCommands('bwrap', 'flock')('mounts that cannot be made', () => {
    test('a missing layer stops the run with its name', async () => {
      using world = makeWorld(user);
      const mount = world.mount();
      const mounts = [{ ...mount, lowerDirs: [join(world.root, 'no-such-layer')] }];
      const { outcome, stdout } = await runClient(world, world.sh('echo ran', { mounts }), { user });
      expect(outcome).toEqual({ kind: 'not-started', reason: expect.stringMatching(/^bwrap: .*no-such-layer/) });
      expect(stdout).toBe('');
    });

    test('the reason is short if the kernel refuses the directories', async () => {
      using world = makeWorld(user);
      using elsewhere = makeWorld(user, '/dev/shm');
      const mounts = [{ ...world.mount(), workDir: elsewhere.dir('work') }];
      const { outcome, stdout } = await runClient(world, world.sh('echo ran', { mounts }), { user });
      expect(outcome).toEqual({
        kind: 'not-started',
        // bubblewrap 0.12 omits the target's name.
        reason: expect.stringMatching(/^bwrap: Can't make overlay mount( on \/tmp\/\S+\/volume)?: Invalid argument$/),
      });
      expect(stdout).toBe('');
    });

    test('a missing target or upper directory, and two volumes on one target, are refused', async () => {
      using world = makeWorld(user);
      const mount = world.mount();
      const none = join(world.root, 'none');
      const attempts = [[{ ...mount, target: none }], [{ ...mount, upperDir: none }], [mount, world.mount()]];
      const requests = attempts.map((mounts) => world.sh('echo ran', { mounts }));
      const { outcomes, stdout, stderr } = await runClient(world, requests, { user });
      expect(outcomes).toEqual([
        { kind: 'not-started', reason: `${none} cannot be used (ENOENT)` },
        { kind: 'not-started', reason: `${none} cannot be used (ENOENT)` },
        { kind: 'not-started', reason: `two volumes have the same target ${mount.target}` },
      ]);
      expect(stdout + stderr).toBe('');
    });

    test('a lease that cannot be opened is refused', async () => {
      using world = makeWorld(user);
      world.mount();
      const request = world.sh('echo ran', { leaseFile: join(world.root, 'none', 'lease') });
      const { outcome } = await runClient(world, request, { user });
      expect(outcome).toEqual({ kind: 'not-started', reason: expect.stringMatching(/^flock: .*none\/lease/) });
    });

    test('nothing is left beside the session’s directories', async () => {
      using world = makeWorld(user);
      const mount = world.mount();
      await runClient(world, [world.sh(':'), world.sh(':', { mounts: [{ ...mount, lowerDirs: ['/none'] }] })], {
        user,
      });
      const names = readdirSync(world.root).filter((name) => !name.startsWith('job-'));
      expect(names.toSorted()).toEqual(['lease', 'volume', 'volume.lower0', 'volume.upper', 'volume.work']);
    });
  });

  requireCommands('bwrap', 'flock')('the probe', () => {
    test('says yes where it works, and leaves nothing behind', async () => {
      using world = makeWorld(user);
      expect(await probe(world, user)).toEqual({ ok: true });
      expect(readdirSync(join(world.root, 'home'))).toEqual([]);
    });

    test('says why on a home on an overlay', async () => {
      using world = makeWorld(user);
      const home = world.dir('home');
      const layers = ['--overlay-src', world.dir('below'), '--overlay', world.dir('above'), world.dir('beside'), home];
      const prefix = ['bwrap', '--dev-bind', '/', '/', ...layers, '--'];
      const result = await probe(world, user, prefix);
      // Newer kernels support it.
      if (result.ok) return;
      expect(result.reason).toMatch(/overlay mount/);
      expect(result.mend).toMatch(/is on an overlay/);
    });

    test('says how to install bubblewrap', async () => {
      using world = makeWorld(user);
      const prefix = ['bwrap', '--dev-bind', '/', '/', ...masked('/usr/bin/bwrap', '/bin/bwrap'), '--'];
      expect(await probe(world, user, prefix)).toEqual({
        ok: false,
        reason: 'not installed: bwrap',
        mend: expect.stringContaining('apt-get install bubblewrap'),
      });
      world.mount();
      const { outcome } = await runClient(world, world.sh('echo ran'), { user, prefix });
      expect(outcome).toEqual({
        kind: 'not-started',
        reason: 'not installed: bwrap',
        mend: expect.stringContaining('apt-get install bubblewrap'),
      });
    });

    test.each([
      ['bubblewrap before 0.11', 'bwrap', 'echo "bwrap: Unknown option --overlay-src" >&2; exit 1', /0\.11/],
      ['env of another maker', 'env', `echo "env: unrecognized option '--block-signal'" >&2; exit 125`, /coreutils/],
      ['an old flock', 'flock', `echo "flock: unrecognized option '--no-fork'" >&2; exit 64`, /util-linux/],
    ])('%s', async (_what, name, script, mend) => {
      using world = makeWorld(user);
      const result = await probe(world, user, withOlder(world, { [name]: script }));
      expect(result).toMatchObject({ ok: false, mend: expect.stringMatching(mend) });
    });

    test('says that the home is read-only', async () => {
      using world = makeWorld(user);
      const prefix = ['bwrap', '--dev-bind', '/', '/', '--ro-bind', world.dir('home'), world.dir('home'), '--'];
      const result = await probe(world, user, prefix);
      expect(result).toMatchObject({ ok: false, reason: expect.stringContaining('EROFS') });
    });
  });
});

requireCommands('bwrap', 'flock')('the probe', () => {
  test('says that namespaces are forbidden', async () => {
    const [user] = testUsers;
    using world = makeWorld(user);
    const forbidden = ['--unshare-user', '--disable-userns', '--cap-drop', 'ALL', '--dev-bind', '/', '/', '--'];
    const result = await probe(world, user, ['bwrap', ...forbidden]);
    expect(result).toMatchObject({ ok: false, reason: expect.stringMatching(/namespace/i) });
  });
});

/** Options of bubblewrap that hide programs. */
const masked = (...paths: readonly string[]): readonly string[] =>
  paths.filter((path) => existsSync(path)).flatMap((path) => ['--ro-bind', '/dev/null', path]);
