import { closeSync, openSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { requireCommands, useDisk } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import type { World } from '../cli.fixture.ts';
import { allowSudo } from '../sudo-rule.fixture.ts';
import {
  formsIn,
  imageIn,
  imagePrograms,
  imageReaders,
  inData,
  openMachines,
  type Machines,
} from './machines.fixture.ts';

useDisk();

// Damage to an image counts as damage to its layer: the layer is skipped with the reason, and the next pull restores it.

allowSudo();

const content = 'a content that is found again';

async function pulled(machines: Machines): Promise<World> {
  const [one, other] = [machines.open(), machines.open()];
  await inData(one, `mkdir d; echo ${content} > d/f; head -c 100000 /dev/zero > zeros`);
  await inData(other, 'cat d/f');
  expect(formsIn(other)).toEqual(['image']);
  return other;
}

function flipContent(file: string): void {
  const bytes = readFileSync(file);
  const at = bytes.indexOf(content);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

/** Clears the superblock, which mount(8) and the kernel read first. */
function blank(file: string): void {
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, Buffer.alloc(4096), 0, 4096, 0);
  closeSync(descriptor);
}

requireCommands(...imagePrograms)('an image', () => {
  describe.each(imageReaders)('of $name', (reader) => {
    test.each([
      ['is missing', (file: string) => rmSync(file)],
      ['was cut off', (file: string) => truncateSync(file, statSync(file).size >> 1)],
      ['is empty', (file: string) => truncateSync(file, 0)],
    ])('that %s is skipped with the reason, and the next run pulls it again', async (_, spoil) => {
      using machines = openMachines(reader);
      const world = await pulled(machines);
      spoil(imageIn(world));
      const without = await world.run(['sh', '-c', 'ls data']);
      expect(without).toMatchObject({ code: 0, stdout: '' });
      expect(without.stderr).toMatch(/warning: layer [0-9a-f]{12} of data \(saved by run_\w+\) is left out: .*\S/);
      expect(without.volume('data')).toMatchObject({ mounter: 'overlay', hits: [] });

      const healed = await inData(world, 'cat d/f');
      expect(healed.stdout).toBe(`${content}\n`);
      expect(healed.volume('data').sync).toMatchObject({ pulledLayers: 1 });
      expect(formsIn(world)).toEqual(['image']);
      expect(await world.cachelane(['verify'])).toMatchObject({ code: 0 });
    });

    test('with only a damaged header is converted to a tree, and no content is lost', async () => {
      using machines = openMachines(reader);
      const world = await pulled(machines);
      blank(imageIn(world));
      expect(await world.cachelane(['verify'])).toMatchObject({ code: 1 });
      const run = await inData(world, 'cat d/f');
      expect(run.stdout).toBe(`${content}\n`);
      expect(run.stderr).toContain('unpacking 1 layer that cannot be mounted as an image: ');
      expect(formsIn(world)).toEqual(['tree']);
      expect(await world.cachelane(['verify'])).toMatchObject({ code: 0 });
    });

    test('with a changed content byte is found by verify, disabled, and pulled again', async () => {
      using machines = openMachines(reader);
      const world = await pulled(machines);
      flipContent(imageIn(world));
      const found = await world.cachelane(['verify']);
      expect([found.code, found.stdout]).toEqual([1, expect.stringContaining('d/f')]);
      expect((await world.cachelane(['verify', '--repair'])).stdout).toContain('d/f');
      expect((await inData(world, 'cat d/f')).stdout).toBe(`${content}\n`);
      expect(formsIn(world)).toEqual(['image']);
      expect(await world.cachelane(['verify'])).toMatchObject({ code: 0 });
    });

    test('with a changed content byte is not sent', async () => {
      using machines = openMachines(reader);
      const world = await pulled(machines);
      flipContent(imageIn(world));
      expect(await world.cachelane(['export', 'data', '-o', 'file'])).toMatchObject({ code: 1 });
      const remote = machines.remote('second');
      const push = await world.cachelane(['push', '--remote', remote]);
      expect(push.stderr).toMatch(
        /layer [0-9a-f]{12} of data on lane t1:local is not sent, and leaves the lane: d\/f /,
      );
      expect((await inData(machines.open({ CACHELANE_REMOTE: remote }), 'ls')).stdout).toBe('');
    });
  });
});
