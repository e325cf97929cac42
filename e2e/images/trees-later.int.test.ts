import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands, useDisk } from '@cachelane/testkit';
import { describe, expect, inject, test } from 'vitest';
import type { Finished, World } from '../cli.fixture.ts';
import { allowSudo } from '../sudo-rule.fixture.ts';
import { formsIn, imagePrograms, imageReaders, inData, openMachines, type Machines } from './machines.fixture.ts';

useDisk();

// A store with images and a run that cannot mount them: it converts them to trees once, and then hits.

allowSudo();

const told = /unpacking 2 layers that cannot be mounted as images: /;

/** Opens a machine that has pulled two layers. */
async function pulled(machines: Machines): Promise<World> {
  const [one, other] = [machines.open(), machines.open()];
  await inData(one, 'mkdir -p d gone; echo 1 > d/below; echo 1 > gone/f');
  await inData(one, 'rm -r gone; mkdir gone; echo 2 > d/above');
  expect((await inData(other, 'find . -type f | sort | xargs')).stdout).toBe('./d/above ./d/below\n');
  expect(formsIn(other)).toEqual(['image', 'image']);
  return other;
}

const list = 'find . -type f | sort | xargs';
const listed = './d/above ./d/below\n';

/** Replaces mount(8), the only way to simulate a kernel without EROFS. */
const withoutErofs = (world: World, argv: readonly string[]): Finished => {
  const refusing = `#!/bin/sh\necho "mount: /layer: unknown filesystem type 'erofs'." >&2; exit 32\n`;
  const program = join(world.write({ mount: refusing }), 'mount');
  world.exec(['chmod', '755', program]);
  const there = ['bwrap', '--dev-bind', '/', '/', '--ro-bind', program, realpathSync('/usr/bin/mount'), '--'];
  return world.exec([...there, ...inject('cachelaneProgram'), ...argv]);
};

requireCommands(...imagePrograms)('a home with images', () => {
  describe.each(imageReaders.filter(({ user }) => user === 'ordinary user'))('of $name', (reader) => {
    test.each([
      ['as usual', []],
      ['with mounts and nothing else', ['--mounter', 'overlay', '--strict']],
    ])('is converted to trees by the first run without sudo (%s), which says so and hits', async (_, options) => {
      using machines = openMachines(reader);
      const world = await pulled(machines);
      world.env['CACHELANE_SUDO'] = '0';
      const first = await inData(world, list, ...options);
      expect(first.stdout).toBe(listed);
      expect(first.volume('data')).toMatchObject({ mounter: 'overlay', hits: [{ layers: 2 }], skipped: null });
      expect(first.stderr).toMatch(told);
      expect(first.stderr).toContain('ordinary users cannot mount the images of layers');
      expect(formsIn(world)).toEqual(['tree', 'tree']);
      const second = await inData(world, `${list}; rm d/below`, ...options);
      expect([second.stdout, second.stderr.includes('unpacking')]).toEqual([listed, false]);
      // With sudo again it still works, and the next pull is an image again.
      world.env['CACHELANE_SUDO'] = '1';
      expect((await inData(world, list)).stdout).toBe('./d/above\n');
      await inData(machines.open(), 'echo 3 > new');
      expect((await inData(world, list)).stdout).toBe('./d/above ./new\n');
      expect(formsIn(world).toSorted()).toEqual(['image', 'tree', 'tree', 'tree', 'tree']);
      expect(await world.cachelane(['verify'])).toMatchObject({ code: 0 });
    });
  });

  describe.each(imageReaders.filter(({ user }) => user === 'root'))('of $name', (reader) => {
    test('is converted to trees for a user who disables images', async () => {
      using machines = openMachines(reader);
      const world = await pulled(machines);
      world.env['CACHELANE_IMAGES'] = '0';
      const first = await inData(world, `${list}; ! grep -q erofs /proc/mounts`, '--strict');
      expect(first).toMatchObject({ code: 0, stdout: listed });
      expect(first.stderr).toContain('CACHELANE_IMAGES is off');
      expect(formsIn(world)).toEqual(['tree', 'tree']);
    });

    test('is converted to trees on a kernel without EROFS', async () => {
      using machines = openMachines(reader);
      const world = await pulled(machines);
      const run = ['run', '--verbose', '--', 'sh', '-c', `cd data; ${list}`];
      const first = withoutErofs(world, run);
      expect(first.stdout).toBe(listed);
      expect(first.stderr).toMatch(told);
      expect(first.stderr).toMatch(/data up to date \(/);
      expect(first.stderr).toContain('data: read t1:local (2 layers); 0 added, ');
      expect(formsIn(world)).toEqual(['tree', 'tree']);
      expect(withoutErofs(world, run).stderr).not.toContain('unpacking');
      // A pull there creates trees directly.
      const third = machines.open();
      expect(withoutErofs(third, run).stdout).toBe(listed);
      expect(formsIn(third)).toEqual(['tree', 'tree']);
    });

    test('gives root without any right to mount a directory copied from the images', async () => {
      using machines = openMachines(reader);
      const world = await pulled(machines);
      const bare = ['setpriv', '--bounding-set=-sys_admin', ...inject('cachelaneProgram')];
      const { stdout, stderr } = world.exec([...bare, 'run', '--verbose', '--', 'sh', '-c', `cd data; ${list}`]);
      expect(stdout).toBe(listed);
      expect(stderr).toContain('data: read t1:local (2 layers)');
      expect(stderr).toContain('clone: volumes cannot be mounted here');
    });
  });
});
