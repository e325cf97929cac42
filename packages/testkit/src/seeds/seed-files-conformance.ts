import type { AttachedVolume, LayerId, SeedFiles } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import type { SeenVolume, VolumeStep } from '../mounter/volume-steps.ts';

/** A driver with a simulated machine for one test. */
export interface SeedFilesFixture extends AsyncDisposable {
  readonly seeds: SeedFiles;
  /** Returns a directory with the result of these steps; always the same directory. */
  directory(steps: readonly VolumeStep[]): string;
  /** A file of the machine. */
  readonly file: string;
  /** A path where nothing exists. */
  readonly missing: string;
  /** Attaches an empty volume. */
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

/** The conformance suite of the `SeedFiles` port: one test for each guarantee of its contract. */
export function seedFilesConformance(name: string, create: () => Promise<SeedFilesFixture>): void {
  describe(`seed files: ${name}`, () => {
    test('a directory is copied whole, without links out of it and special files', async () => {
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

    test('a look stays the same until something changes', async () => {
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

    test('a look returns the size, each file once, and no more than that is copied', async () => {
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

    test('a note of a key is kept until the next one', async () => {
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

    test('a missing path or a file is refused', async () => {
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

    test('an aborted signal ends both', async () => {
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
