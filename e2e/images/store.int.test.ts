import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireCommands, useDisk } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { ageLayers, expectNoSessions, until } from '../robustness/store.fixture.ts';
import { allowSudo } from '../sudo-rule.fixture.ts';
import { formsIn, imageIn, imagePrograms, imageReaders, inData, layersIn, openMachines } from './machines.fixture.ts';

useDisk();

// Images in the store: they count in du, they are deleted with their layers, and a kill leaves no mount.

allowSudo();

/** Returns the processes that have an image below a directory mounted. */
function seeing(dir: string): readonly string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return new RegExp(`^.* ${dir}/.* - erofs `, 'm').test(readFileSync(`/proc/${name}/mountinfo`, 'utf8'));
    } catch {
      return false;
    }
  });
}

/** Returns the loop devices of files below a directory. */
function loopsOf(dir: string): readonly string[] {
  // Not every user has the directories of system programs in PATH.
  const env = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
  const args = ['--all', '--output', 'BACK-FILE', '--noheadings'];
  const { stdout } = spawnSync('losetup', args, { encoding: 'utf8', env });
  return stdout.split('\n').filter((line) => line.startsWith(`${dir}/`));
}

interface Usage {
  readonly store: { readonly layersBytes: number };
}

requireCommands(...imagePrograms)('images', () => {
  describe.each(imageReaders)('of $name', (reader) => {
    test('count in du, and are deleted with the last head that names them', async () => {
      using machines = openMachines(reader);
      await inData(machines.open(), 'head -c 3000000 /dev/urandom > large');
      const world = machines.open();
      await inData(world, 'test -s large');
      const { size } = statSync(imageIn(world));
      expect(size).toBeGreaterThan(3_000_000);
      const usage = (await world.json(['du'])) as Usage;
      expect(usage.store.layersBytes).toBeGreaterThanOrEqual(size);
      expect(await world.cachelane(['rm', 'data'])).toMatchObject({ code: 0 });
      ageLayers(world);
      expect(await world.cachelane(['gc'])).toMatchObject({ code: 0 });
      expect(layersIn(world)).toEqual([]);
      await until(() => readdirSync(join(world.store, 'trash')).length === 0);
      expect(((await world.json(['du'])) as Usage).store.layersBytes).toBeLessThan(100_000);
    });

    test('are deleted when a damaged layer is collected', async () => {
      using machines = openMachines(reader);
      await inData(machines.open(), 'echo 1 > f');
      const world = machines.open();
      await inData(world, 'cat f');
      truncateSync(imageIn(world), 5000);
      expect((await world.cachelane(['verify', '--repair'])).stdout).toContain('is damaged');
      expect(existsSync(imageIn(world))).toBe(true);
      // History names it until the volume is removed.
      expect(await world.cachelane(['rm', 'data', '--all-lanes'])).toMatchObject({ code: 0 });
      ageLayers(world);
      expect(await world.cachelane(['gc'])).toMatchObject({ code: 0 });
      expect(layersIn(world)).toEqual([]);
    });

    test('a rollback shows the contents of an earlier generation, and can be undone', async () => {
      using machines = openMachines(reader);
      const one = machines.open();
      await inData(one, 'echo 1 > f; echo 1 > g');
      const other = machines.open();
      await inData(other, 'cat f');
      await inData(one, 'echo 2 > f; rm g');
      expect((await inData(other, 'cat *')).stdout).toBe('2\n');
      expect(formsIn(other)).toEqual(['image', 'image']);
      expect(await other.cachelane(['rollback', 'data'])).toMatchObject({ code: 0 });
      expect((await inData(other, 'cat *')).stdout).toBe('1\n1\n');
      // The other machines follow.
      expect((await inData(one, 'cat *')).stdout).toBe('1\n1\n');
      expect(await other.cachelane(['rollback', 'data'])).toMatchObject({ code: 0 });
      expect((await inData(other, 'cat *')).stdout).toBe('2\n');
      expect(formsIn(other)).toEqual(['image', 'image']);
    });

    test.each([
      ['as files', tmpdir()],
      ['by loop devices, as on kernels without file mounts', '/dev/shm'],
    ])('mounted %s: a killed run leaves no mounts, and the next run works', async (_, parent) => {
      using machines = openMachines(reader);
      await inData(machines.open(), 'echo 1 > f');
      const world = machines.open();
      const dir = world.exec(['mktemp', '--directory', `${parent}/cachelane-e2e-XXXXXX`]).stdout.trim();
      using _dir = { [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) };
      world.env['CACHELANE_HOME'] = join(dir, 'store');
      await inData(world, 'cat f');
      const [form] = formsIn({ store: join(dir, 'store') });
      // Machines without loop devices cannot leave any.
      if (parent !== '/dev/shm') expect(form).toBe('image');
      const run = world.startRun(['sh', '-c', 'cat data/f; echo $$ > pid; echo ready; exec sleep 1000']);
      await run.said('1\nready\n');
      expect(seeing(dir).length > 0).toBe(form === 'image');
      expect(loopsOf(dir).length > 0).toBe(form === 'image' && parent === '/dev/shm');
      run.child.kill('SIGKILL');
      world.exec(['sh', '-ec', 'kill -9 "$(cat pid)"']);
      await run.finished;
      await until(() => seeing(dir).length === 0 && loopsOf(dir).length === 0);
      expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(dir);
      expect((await inData(world, 'cat f')).stdout).toBe('1\n');
      await until(() => seeing(dir).length === 0 && loopsOf(dir).length === 0);
      await expectNoSessions({ ...world, store: join(dir, 'store') });
    });
  });
});
