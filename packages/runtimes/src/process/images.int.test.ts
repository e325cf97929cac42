import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { OverlayMount } from '@cachelane/core';
import { requireCommands, useDisk } from '@cachelane/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import type { OverlayProbe } from './probe-overlay.ts';
import { processIds } from '../system/proc.ts';
import { allowSudo } from './sudo-rule.fixture.ts';
import { endSurvivors, findSurvivors } from '../signals/survivors.ts';
import {
  type ClientOptions,
  makeWorld,
  runClient,
  startClient,
  sudoUsersWithImages,
  type TestUser,
  testUsers,
  testUsersWithImages,
  until,
  type World,
} from './world.fixture.ts';

useDisk();

const rule = allowSudo();
afterAll(() => rule.remove());

const succeeded = { kind: 'exited', exitCode: 0, interrupted: false, receivedSignal: null };
const suite = requireCommands('bwrap', 'flock', 'unshare', 'mkfs.erofs', 'python3');

/** Returns processes that see an image of this world mounted. */
const seeing = ({ root }: World): readonly number[] =>
  processIds().filter((pid) => {
    try {
      return new RegExp(` ${root}/.* erofs `).test(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));
    } catch {
      return false;
    }
  });

// The system's program directories may be missing on a user's PATH.
const systemPath = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };

const loopsOf = ({ root }: World): string =>
  spawnSync('losetup', ['--all'], { env: systemPath })
    .stdout.toString()
    .split('\n')
    .filter((line) => line.includes(root))
    .join('\n');

async function probe(world: World, user: TestUser, prefix: ClientOptions['prefix'] = []): Promise<OverlayProbe> {
  const { mountWith = 'bubblewrap' } = user;
  const job = { probeHome: world.dir('home'), probeImages: true, mountWith };
  const client = startClient(world, [], { user, prefix, job });
  await client.end();
  return client.result<OverlayProbe>('probe');
}

/** A script that makes an opaque directory. */
const opaque = (name: string): string =>
  `mkdir ${name}; python3 -c 'import os; os.setxattr("${name}", "user.overlay.opaque", b"y")'`;

function damage(file: string): void {
  truncateSync(file, 0);
  writeFileSync(file, 'no file system'.repeat(1000));
}

const mountProgram = realpathSync('/usr/bin/mount');

const users = [...testUsersWithImages, ...sudoUsersWithImages];

describe.runIf(users.length > 0).each(users)('as $name', (user) => {
  suite('layers in images', () => {
    test('are seen top first among trees; writes go to the upper directory and stay private', async () => {
      using world = makeWorld(user);
      const images = world.imageMount('volume', ['echo top > a; echo top > b', 'echo bottom > b; echo bottom > c']);
      const tree = world.dir('tree', { b: 'tree\n', c: 'tree\n' });
      const [top = '', bottom = ''] = images.lowerDirs;
      const mounts = [{ ...images, lowerDirs: [top, tree, bottom] }];
      const script = 'cat volume/a volume/b volume/c; echo new > volume/c; rm volume/a; ls volume';
      const { outcome, stdout, stderr } = await runClient(world, world.sh(script, { mounts }), { user });
      expect(stderr).toBe('');
      expect(outcome).toEqual(succeeded);
      expect(stdout).toBe('top\ntop\ntree\nb\nc\n');
      expect(readdirSync(images.upperDir)).toEqual(['a', 'c']);
      expect([readdirSync(top), readdirSync(bottom), seeing(world), loopsOf(world)]).toEqual([[], [], [], '']);
    });

    test('cannot be changed by the command, and have no setuid programs or devices', async () => {
      using world = makeWorld(user);
      const { images } = world.imageMount('volume', ['echo kept > file']);
      const [{ dir }] = images as [(typeof images)[0] & object];
      const script = `grep -c " ${dir} erofs ro,nosuid,nodev," /proc/self/mounts; echo x > ${dir}/file`;
      const { outcome, stdout, stderr } = await runClient(world, world.sh(script), { user });
      expect(outcome).toMatchObject({ kind: 'exited', exitCode: 2 });
      expect(stdout).toBe('1\n');
      expect(stderr).toContain('Read-only');
    });

    // Behind bubblewrap no program gains rights.
    test.runIf(user.mountWith === 'sudo')(
      'the volume also has no setuid programs or devices, since its overlay has its own mount flags',
      async () => {
        using world = makeWorld(user);
        const { images, target } = world.imageMount('volume', ['']);
        const source = world.dir('source');
        copyFileSync('/usr/bin/id', join(source, 'id'));
        chmodSync(join(source, 'id'), 0o4755);
        // A user who can write to an image can make its files root's.
        spawnSync('mkfs.erofs', ['-b512', '--all-root', images[0]?.file ?? '', source]);
        const script = `volume/id -u; grep -c " ${target} overlay rw,nosuid,nodev," /proc/self/mounts`;
        const { stdout } = await runClient(world, world.sh(script), { user });
        expect(stdout).toBe(`${user.uid ?? 0}\n1\n`);
      },
    );

    test('hide lower files that were removed, and directories that were replaced', async () => {
      using world = makeWorld(user);
      const below =
        'mkdir -p deep/dir anew other; echo 1 > gone; echo 1 > deep/dir/gone; echo 1 > anew/old; echo 1 > other/old';
      const above = `mknod gone c 0 0; mkdir -p deep/dir; mknod deep/dir/gone c 0 0; ${opaque('anew')}; echo 2 > anew/new; mkdir other; echo 2 > other/new`;
      world.imageMount('volume', [above, below]);
      const { stdout, stderr } = await runClient(world, world.sh('cd volume && find . -type f | sort'), { user });
      expect(stderr).toBe('');
      expect(stdout).toBe('./anew/new\n./other/new\n./other/old\n');
    });

    test('changes are marked above images as above trees', async () => {
      using world = makeWorld(user);
      const { upperDir } = world.imageMount('volume', ['mkdir d; echo 1 > d/f; echo 1 > g']);
      const script = 'rm -r volume/d volume/g; mkdir volume/d; echo 2 > volume/d/new; ls volume volume/d';
      const { stdout } = await runClient(world, world.sh(script), { user });
      expect(stdout).toBe('volume:\nd\n\nvolume/d:\nnew\n');
      expect(statSync(join(upperDir, 'g')).isCharacterDevice()).toBe(true);
      const read = `import os; print(os.getxattr("${join(upperDir, 'd')}", "user.overlay.opaque").decode())`;
      expect(spawnSync('python3', ['-c', read]).stdout.toString()).toBe('y\n');
    });

    test('work for several volumes, shared images, odd and long names', async () => {
      using world = makeWorld(user);
      const odd = `a b'c"d\\e,f:g=h\n#%é`;
      const long = join('x'.repeat(200), 'y'.repeat(200));
      mkdirSync(join(world.root, 'x'.repeat(200)), { mode: 0o755 });
      world.imageMount(odd, ['echo odd > file']);
      const named = world.imageMount('named', ['echo named > file']);
      const shared: OverlayMount = { ...world.mount('shared'), lowerDirs: named.lowerDirs, images: named.images };
      const deep = world.image(long, 'echo long > file');
      const far: OverlayMount = { ...world.mount('far'), lowerDirs: [deep.dir], images: [deep] };
      const others = world.request([]).mounts.filter(({ target }) => !/\/(far|shared)$/.test(target));
      const argv = ['sh', '-c', 'cat "$1/file" named/file shared/file far/file', 'sh', odd];
      const request = world.request(argv, { mounts: [...others, shared, far] });
      const { outcome, stdout, stderr } = await runClient(world, request, { user });
      expect(stderr).toBe('');
      expect(outcome).toEqual(succeeded);
      expect(stdout).toBe('odd\nnamed\nnamed\nlong\n');
    });

    test('use loop devices where the kernel cannot mount files, and remove them afterwards', async () => {
      using world = makeWorld(user, '/dev/shm');
      world.imageMount('volume', ['echo seen > file']);
      const { outcome, stdout } = await runClient(world, world.sh('cat volume/file'), { user });
      if (outcome?.kind === 'exited') expect(stdout).toBe('seen\n');
      // Machines without loop devices cannot.
      else expect(outcome).toMatchObject({ reason: expect.stringMatching(/^mount: .*loop/), mend: expect.any(String) });
      expect([seeing(world), await until(() => loopsOf(world) === '')]).toEqual([[], true]);
    });

    test.each(['alone', 'group'] as const)(
      'a signal at any moment of the start ends the command (%s)',
      async (whom) => {
        using world = makeWorld(user);
        world.imageMount('volume', ['echo kept > file', 'echo kept > other']);
        for (let afterMs = 0; afterMs < 30; afterMs += 5) {
          const client = startClient(world, world.sh('exec sleep 1000'), { user });
          await until(() => client.place());
          await wait(afterMs);
          client.signal('SIGTERM', whom);
          const { outcome } = await client.end();
          expect(outcome).toEqual({ kind: 'exited', exitCode: 143, interrupted: true, receivedSignal: 'SIGTERM' });
        }
        expect(seeing(world)).toEqual([]);
      },
    );

    test('stay until the last process has ended, also without the client', async () => {
      using world = makeWorld(user);
      world.imageMount('volume', ['echo kept > file']);
      spawnSync('mkfifo', ['--mode=666', join(world.root, 'gate')]);
      const script = 'sh -c "read line < gate; cat volume/file > volume/end; exec sleep 1000" & echo ready; wait';
      const client = startClient(world, world.sh(script), { user });
      await until(() => client.stdout() === 'ready\n');
      const place = await until(() => client.place());
      client.signal('SIGKILL');
      await client.end();
      expect(seeing(world).length).toBeGreaterThan(0);
      writeFileSync(join(world.root, 'gate'), 'go on\n');
      await until(() => findSurvivors(place).some(({ name }) => name === 'sleep'));
      expect(readFileSync(join(world.root, 'volume.upper', 'end'), 'utf8')).toBe('kept\n');
      expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(world.root);
      expect(await endSurvivors(place, 1000)).toEqual([]);
      await until(() => seeing(world).length === 0);
      expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(world.root);
    });
  });

  suite('the probe', () => {
    test('says yes where images can be mounted, and leaves nothing behind', async () => {
      using world = makeWorld(user);
      expect(await probe(world, user)).toEqual({ ok: true });
      expect([readdirSync(join(world.root, 'home')), seeing(world)]).toEqual([[], []]);
    });

    test('says no if the kernel lacks EROFS', async () => {
      using world = makeWorld(user);
      // A fake mount(8) plays a kernel without EROFS.
      const mount = '#!/bin/sh\necho "mount: /layer: unknown filesystem type \'erofs\'." >&2; exit 32\n';
      writeFileSync(join(world.root, 'mount'), mount, { mode: 0o755 });
      const prefix = ['bwrap', '--dev-bind', '/', '/', '--ro-bind', join(world.root, 'mount'), mountProgram, '--'];
      if (user.uid !== null) return;
      const mend = 'the kernel has no EROFS: as root, modprobe erofs';
      expect(await probe(world, user, prefix)).toEqual({ ok: false, reason: expect.stringContaining('erofs'), mend });
    });
  });

  suite('images that cannot be mounted', () => {
    test('a damaged or missing image stops the run with its name, and leaves nothing', async () => {
      using world = makeWorld(user);
      const whole = world.imageMount('whole', ['echo 1 > file']);
      const damaged = world.imageMount('damaged', ['echo 1 > file']);
      damage(damaged.images[0]?.file ?? '');
      const missing = { ...damaged, images: damaged.images.map(({ dir }) => ({ dir, file: `${world.root}/none` })) };
      const requests = [damaged, missing].map((mount) => world.sh('echo ran', { mounts: [whole, mount] }));
      const { outcomes, stdout } = await runClient(world, requests, { user });
      const mend = expect.stringContaining('cachelane verify');
      expect(outcomes).toEqual([
        { kind: 'not-started', reason: expect.stringMatching(/^mount: .*damaged.image0/), mend },
        { kind: 'not-started', reason: expect.stringMatching(/^mount: .*none does not exist/), mend },
      ]);
      expect([stdout, seeing(world), loopsOf(world)]).toEqual(['', [], '']);
      const left = readdirSync(world.root).filter((name) => /input|images|plan|status|links/.test(name));
      expect(left).toEqual([]);
    });
  });
});

describe.each(testUsers.filter(({ uid }) => uid !== null || process.getuid?.() !== 0))('as $name', (user) => {
  suite('layers in images behind bubblewrap', () => {
    test('are refused before anything runs', async () => {
      using world = makeWorld(user);
      world.imageMount('volume', ['echo 1 > file']);
      const { outcome, stdout, stderr } = await runClient(world, world.sh('echo ran'), { user });
      expect(outcome).toEqual({
        kind: 'not-started',
        reason: 'ordinary users cannot mount the images of layers',
        mend: expect.stringContaining('CACHELANE_SUDO=1'),
      });
      expect(stdout + stderr).toBe('');
      expect(await probe(world, user)).toEqual({
        ok: false,
        reason: outcome?.kind === 'not-started' && outcome.reason,
        mend: expect.stringContaining('CACHELANE_SUDO=1'),
      });
    });
  });
});
