import type { AttachedVolume, LayerId, SeedFiles } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import type { SeenVolume, VolumeStep } from '../mounter/volume-steps.ts';

/** A driver with a machine for one test. */
export interface SeedFilesFixture extends AsyncDisposable {
  readonly seeds: SeedFiles;
  /** A directory of the machine in which this was done; the same one each time. */
  directory(steps: readonly VolumeStep[]): string;
  /** A file of the machine. */
  readonly file: string;
  /** Where nothing is. */
  readonly missing: string;
  /** A volume with nothing in it. */
  attach(): Promise<AttachedVolume>;
  look(volume: AttachedVolume): Promise<SeenVolume>;
}

const noAbort = new AbortController().signal;

const tree: readonly VolumeStep[] = [
  { do: 'mkdir', path: 'a/b' },
  { do: 'write', path: 'a/b/c', content: 'c\xff' },
  { do: 'chmod', path: 'a/b/c', mode: 0o640 },
  { do: 'write', path: 'top', content: 'top' },
  { do: 'link', from: 'top', to: 'a/also' },
  { do: 'symlink', path: 'a/in', target: '../top' },
];

/** What every driver of the `SeedFiles` port must do; each guarantee of the port's contract is a test here. */
export function seedFilesConformance(name: string, create: () => Promise<SeedFilesFixture>): void {
  describe(`seed files: ${name}`, () => {
    test('a directory is copied whole, without what leads out of it and what is no file', async () => {
      await using on = await create();
      const out: readonly VolumeStep[] = [
        { do: 'symlink', path: 'out', target: '/etc' },
        { do: 'symlink', path: 'a/up', target: '../../x' },
        { do: 'fifo', path: 'a/fifo' },
      ];
      const dir = on.directory([...tree, ...out]);
      const volume = await on.attach();
      expect(await on.seeds.copy(dir, { into: volume.mount, maxBytes: 100 }, noAbort)).toEqual({ leftOut: 3 });
      const seen = await on.look(volume);
      expect([...seen.keys()].toSorted()).toEqual(['a', 'a/also', 'a/b', 'a/b/c', 'a/in', 'top']);
      expect(seen.get('a/b/c')).toEqual({ type: 'file', mode: 0o640, content: 'c\xff' });
      expect(seen.get('a/also')).toMatchObject({ content: 'top' });
      expect(seen.get('a/in')).toEqual({ type: 'symlink', target: '../top' });
    });

    test('a look is the same while nothing changes, and another one afterwards', async () => {
      await using on = await create();
      const dir = on.directory(tree);
      const { stamp } = await on.seeds.look(dir, noAbort);
      expect((await on.seeds.look(dir, noAbort)).stamp).toBe(stamp);
      on.directory([...tree, { do: 'write', path: 'top', content: 'TOP' }]);
      const { stamp: written } = await on.seeds.look(dir, noAbort);
      on.directory([...tree, { do: 'write', path: 'top', content: 'TOP' }, { do: 'remove', path: 'a/in' }]);
      const { stamp: removed } = await on.seeds.look(dir, noAbort);
      expect(new Set([stamp, written, removed]).size).toBe(3);
    });

    test('a look says how much there is, once for each file, and no more is copied than was said', async () => {
      await using on = await create();
      const dir = on.directory(tree);
      expect((await on.seeds.look(dir, noAbort)).sizeBytes).toBe(5);
      const { mount } = await on.attach();
      await expect(on.seeds.copy(dir, { into: mount, maxBytes: 4 }, noAbort)).rejects.toMatchObject({
        code: 'E_QUOTA',
      });
      const volume = await on.attach();
      expect(await on.seeds.copy(dir, { into: volume.mount, maxBytes: 5 }, noAbort)).toEqual({ leftOut: 0 });
    });

    test('what was noted of a key is known until something else is', async () => {
      await using on = await create();
      const layer = 'a'.repeat(64) as LayerId;
      expect(await on.seeds.noted('["a/../b"]', noAbort)).toBeNull();
      await on.seeds.note('["a/../b"]', { stamp: 'one', layer, leftOut: 2 }, noAbort);
      await on.seeds.note('other', { stamp: 'two', layer: null, leftOut: 0 }, noAbort);
      expect(await on.seeds.noted('["a/../b"]', noAbort)).toEqual({ stamp: 'one', layer, leftOut: 2 });
      expect(await on.seeds.noted('other', noAbort)).toEqual({ stamp: 'two', layer: null, leftOut: 0 });
      await on.seeds.note('["a/../b"]', { stamp: 'three', layer: null, leftOut: 0 }, noAbort);
      expect(await on.seeds.noted('["a/../b"]', noAbort)).toEqual({ stamp: 'three', layer: null, leftOut: 0 });
    });

    test('what is not there, and what is no directory, is refused', async () => {
      await using on = await create();
      const { mount } = await on.attach();
      for (const ask of [
        async (dir: string) => await on.seeds.look(dir, noAbort),
        async (dir: string) => await on.seeds.copy(dir, { into: mount, maxBytes: 100 }, noAbort),
      ]) {
        await expect(ask(on.missing)).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
        await expect(ask(on.file)).rejects.toMatchObject({ code: 'E_USAGE' });
        await expect(ask(`${on.file}/x`)).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
      }
    });

    test('a signal that is aborted ends both', async () => {
      await using on = await create();
      const dir = on.directory(tree);
      const { mount } = await on.attach();
      const aborted = AbortSignal.abort(new Error('enough'));
      await expect(on.seeds.look(dir, aborted)).rejects.toMatchObject({ code: 'E_ABORTED' });
      await expect(on.seeds.copy(dir, { into: mount, maxBytes: 100 }, aborted)).rejects.toMatchObject({
        code: 'E_ABORTED',
      });
    });
  });
}
