import { requireCommands, useDisk } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { allowSudo } from '../sudo-rule.fixture.ts';
import { formsIn, imagePrograms, imageReaders, inData, layersIn, openMachines, readers } from './machines.fixture.ts';

useDisk();

// A layer of one machine is an image on other machines that can mount images, and a tree elsewhere.

allowSudo();

const find = 'find . -type f | sort | xargs; find . -type f | sort | xargs cat';

requireCommands(...imagePrograms)('machines', () => {
  describe.each(readers)('of $name', (reader) => {
    test('share saves in both directions, with removed and recreated files', async () => {
      using machines = openMachines(reader);
      const one = machines.open();
      const other = machines.open();
      await inData(one, 'mkdir -p d/deep e; echo 1 > d/old; echo 1 > d/deep/older; echo 1 > kept; echo 1 > e/gone');
      expect((await inData(other, find)).stdout).toBe('./d/deep/older ./d/old ./e/gone ./kept\n1\n1\n1\n1\n');
      expect([formsIn(one), formsIn(other)]).toEqual([['tree'], [reader.form]]);

      // Changes above an image: whiteouts, an opaque directory, a changed file.
      await inData(other, 'rm e/gone; rm -r d; mkdir d; echo 2 > d/new; echo 2 >> kept');
      const seen = './d/new ./kept\n2\n1\n2\n';
      expect((await inData(other, find)).stdout).toBe(seen);
      expect((await inData(one, find)).stdout).toBe(seen);
      // Each machine made one layer and pulled the other.
      const third = machines.open();
      expect((await inData(third, find)).stdout).toBe(seen);
      const made = { image: ['image', 'tree'], tree: ['tree', 'tree'] }[reader.form];
      expect([formsIn(one).toSorted(), formsIn(other).toSorted()]).toEqual([made, made]);
      expect(formsIn(third)).toEqual([reader.form, reader.form]);
    });

    test('send pulled layers to another remote', async () => {
      using machines = openMachines(reader);
      const [one, other] = [machines.open(), machines.open()];
      await inData(one, 'mkdir d; echo first > d/f');
      await inData(other, 'cat d/f');
      const second = machines.remote('second');
      expect(await other.cachelane(['push', '--remote', second])).toMatchObject({ code: 0 });
      const third = machines.open({ CACHELANE_REMOTE: second });
      expect((await inData(third, 'cat d/f')).stdout).toBe('first\n');
      expect([layersIn(third), formsIn(third)]).toEqual([layersIn(one), [reader.form]]);
    });

    test('exchange pulled layers by export and import', async () => {
      using machines = openMachines(reader);
      const [one, other] = [machines.open(), machines.open()];
      await inData(one, 'mkdir d; echo first > d/f; ln -s f d/link');
      await inData(other, 'cat d/f');
      expect(await other.cachelane(['export', 'data', '-o', 'file'])).toMatchObject({ code: 0 });
      const third = machines.open({ CACHELANE_REMOTE: 'none' });
      expect(await third.cachelane(['import', `${other.dir}/file`, '--as', 'data'])).toMatchObject({ code: 0 });
      expect((await inData(third, 'cat d/link')).stdout).toBe('first\n');
      expect([layersIn(third), formsIn(third)]).toEqual([layersIn(one), [reader.form]]);
    });
  });

  describe.each(imageReaders)('of $name, which could mount images', (reader) => {
    test('keep trees if the user chooses so', async () => {
      using machines = openMachines(reader);
      await inData(machines.open(), 'echo 1 > f');
      const other = machines.open({ CACHELANE_IMAGES: '0' });
      expect((await inData(other, 'cat f')).stdout).toBe('1\n');
      expect(formsIn(other)).toEqual(['tree']);
      const { stdout } = await other.cachelane(['doctor', '--verbose']);
      expect(stdout).toContain('images: runs need layers unpacked: CACHELANE_IMAGES is off');
    });

    test.each([
      ['a directory of the run', ['--mounter', 'clone']],
      ['one directory for all runs', ['--sharing', 'SHARED']],
    ])('fill %s from them', async (_, options) => {
      using machines = openMachines(reader);
      await inData(machines.open(), 'mkdir d; echo 1 > d/f; ln -s f d/link; echo 1 > g');
      const other = machines.open();
      expect((await inData(other, 'cat d/link; rm g; echo 2 > d/f', ...options)).stdout).toBe('1\n');
      expect((await inData(other, find)).stdout).toBe('./d/f\n2\n');
      expect(formsIn(other).toSorted()).toEqual(['image', 'tree']);
    });
  });
});
