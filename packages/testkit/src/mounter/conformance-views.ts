import { digestOf, isCachelaneError, type StagedEntry, type StoredLayer } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { contentEntry, madeEntry, removalEntry } from '../layers/change-sets.ts';
import {
  attach,
  attachRequest,
  changesOf,
  collect,
  describeChanges,
  layerOf,
  lookAt,
  noAbort,
  save,
  sessionIdOf,
} from './conformance-helpers.ts';
import type { MounterFactory, MounterFixture } from './mounter-fixture.ts';

async function derived(fixture: MounterFixture, entries: readonly StagedEntry[]): Promise<StoredLayer> {
  const key = digestOf(JSON.stringify(entries.map(({ entry }) => [entry.path, entry.removed])));
  return fixture.layers.derive(key, { changes: null, entries, sealedAtMs: 1 }, noAbort);
}

export function viewConformance(create: MounterFactory): void {
  describe('a view', () => {
    test('without layers is empty', async () => {
      await using fixture = await create();
      expect(await lookAt(fixture, [])).toEqual(new Map());
    });

    test('shows the top layer first, merged with lower ones', async () => {
      await using fixture = await create();
      const bottom = await layerOf(fixture, [
        { do: 'mkdir', path: 'd/gone' },
        { do: 'mkdir', path: 'd/remade' },
        { do: 'write', path: 'd/gone/f', content: 'gone' },
        { do: 'write', path: 'd/remade/f', content: 'hidden' },
        { do: 'write', path: 'd/both', content: 'bottom' },
        { do: 'write', path: 'd/bottom', content: 'bottom' },
      ]);
      const top = await layerOf(
        fixture,
        [
          { do: 'write', path: 'd/both', content: 'top' },
          { do: 'remove', path: 'd/gone' },
          { do: 'remove', path: 'd/remade' },
          { do: 'mkdir', path: 'd/remade' },
          { do: 'write', path: 'd/remade/new', content: 'new' },
        ],
        [bottom],
      );
      const seen = await lookAt(fixture, [top, bottom]);
      expect(
        Object.fromEntries([...seen].map(([path, file]) => [path, 'content' in file ? file.content : file.type])),
      ).toEqual({
        d: 'dir',
        'd/both': 'top',
        'd/bottom': 'bottom',
        'd/remade': 'dir',
        'd/remade/new': 'new',
      });
    });

    test('with a replaced directory does not make later runs replace it', async () => {
      await using fixture = await create();
      const bottom = await layerOf(fixture, [
        { do: 'mkdir', path: 'd' },
        { do: 'write', path: 'd/hidden', content: 'hidden' },
      ]);
      const remade = await layerOf(
        fixture,
        [
          { do: 'remove', path: 'd' },
          { do: 'mkdir', path: 'd' },
          { do: 'write', path: 'd/f', content: 'f' },
        ],
        [bottom],
      );
      const before = await lookAt(fixture, [remade, bottom]);
      const changes = await changesOf(fixture, [remade, bottom], [{ do: 'write', path: 'd/f', content: 'later' }]);
      expect(describeChanges(changes, before)).toEqual({ 'd/f': 'file 644 later' });
      const later = await save(fixture, changes);
      expect([...(await lookAt(fixture, [later, remade, bottom])).keys()]).toEqual(['d', 'd/f']);
    });

    test('of sixteen layers shows them all', async () => {
      await using fixture = await create();
      const layers: StoredLayer[] = [];
      for (let i = 0; i < 16; i++) {
        layers.unshift(
          await layerOf(fixture, [
            { do: 'write', path: `of-${i}`, content: String(i) },
            { do: 'write', path: 'same', content: String(i) },
          ]),
        );
      }
      const seen = await lookAt(fixture, layers);
      expect(seen.size).toBe(17);
      expect(seen.get('same')).toEqual({ type: 'file', mode: 0o644, content: '15' });
    });

    // Directory listings must not show names of removed files.
    describe('with removals in a derived layer', () => {
      const entries = [
        removalEntry('at-root', 'counted'),
        madeEntry('d'),
        removalEntry('d/gone', 'counted'),
        contentEntry('d/keep', 'keep'),
        madeEntry('d/mode', { mode: 0o750 }),
        removalEntry('d/mode/gone', 'counted'),
        madeEntry('other'),
        removalEntry('other/gone', 'counted'),
        contentEntry('other/keep', 'keep'),
        madeEntry('remade', { removed: 'below' }),
        removalEntry('remade/gone', 'counted'),
      ];
      const names = ['d', 'd/keep', 'd/mode', 'other', 'other/keep', 'remade'];
      const lower = ['at-root', 'd/gone', 'd/mode/gone', 'd/mode/other', 'other/gone', 'remade/gone', 'remade/other'];
      const makeLower = async (fixture: MounterFixture): Promise<StoredLayer> =>
        layerOf(fixture, [
          ...['d/mode', 'other', 'remade'].map((path) => ({ do: 'mkdir', path }) as const),
          ...lower.map((path) => ({ do: 'write', path, content: path }) as const),
        ]);

      test('lists only what exists, at the bottom', async () => {
        await using fixture = await create();
        const seen = await lookAt(fixture, [await derived(fixture, entries)]);
        expect([...seen.keys()]).toEqual(names);
        expect(seen.get('d/mode')).toEqual({ type: 'dir', mode: 0o750 });
      });

      test('lists only what exists, between others', async () => {
        await using fixture = await create();
        const bottom = await makeLower(fixture);
        const between = await derived(fixture, entries);
        const resolution = await derived(fixture, [removalEntry('d/keep', 'counted'), contentEntry('d/new', 'new')]);
        expect([...(await lookAt(fixture, [between, bottom])).keys()].toSorted()).toEqual(
          [...names, 'd/mode/other'].toSorted(),
        );
        expect([...(await lookAt(fixture, [resolution, between])).keys()].toSorted()).toEqual(
          [...names.filter((name) => name !== 'd/keep'), 'd/new'].toSorted(),
        );
      });

      test('allows directories to be removed', async () => {
        await using fixture = await create();
        const view = [await derived(fixture, entries)];
        const volume = await attach(fixture, view);
        await fixture.run(volume, [
          { do: 'remove', path: 'd' },
          { do: 'remove', path: 'other' },
        ]);
        expect([...(await fixture.look(volume)).keys()]).toEqual(['remade']);
        const later = await save(fixture, await collect(volume), 2);
        expect([...(await lookAt(fixture, [later, ...view])).keys()]).toEqual(['remade']);
      });

      test("lists only what a run's own layer left visible", async () => {
        await using fixture = await create();
        const bottom = await makeLower(fixture);
        const steps = lower.map((path) => ({ do: 'remove', path }) as const);
        const removing = await layerOf(fixture, steps, [bottom]);
        const alone = await lookAt(fixture, [removing]);
        expect([...alone.keys()].filter((path) => lower.includes(path))).toEqual([]);
      });
    });

    test('may have a layer twice', async () => {
      await using fixture = await create();
      const twice = await layerOf(fixture, [{ do: 'write', path: 'f', content: 'twice' }]);
      const between = await layerOf(fixture, [{ do: 'write', path: 'f', content: 'between' }]);
      expect((await lookAt(fixture, [twice, between, twice])).get('f')).toMatchObject({ content: 'twice' });
    });

    test('is private to each run', async () => {
      await using fixture = await create();
      const view = [await layerOf(fixture, [{ do: 'write', path: 'f', content: 'before' }])];
      const [one, two] = [await attach(fixture, view), await attach(fixture, view)];
      await fixture.run(one, [{ do: 'write', path: 'f', content: 'one' }]);
      await fixture.run(two, [{ do: 'write', path: 'g', content: 'two' }]);
      expect([...(await fixture.look(one)).keys()]).toEqual(['f']);
      expect((await fixture.look(two)).get('f')).toMatchObject({ content: 'before' });
      expect((await collect(one)).changes.map(({ path }) => path)).toEqual(['f']);
      expect((await collect(two)).changes.map(({ path }) => path)).toEqual(['g']);
      expect((await lookAt(fixture, view)).get('f')).toMatchObject({ content: 'before' });
    });

    test('grows with each run', async () => {
      await using fixture = await create();
      let view: readonly StoredLayer[] = [];
      for (let i = 0; i < 6; i++) {
        const changes = await changesOf(fixture, view, [
          { do: 'mkdir', path: `d/${i}` },
          { do: 'write', path: `d/${i}/f`, content: String(i) },
          { do: 'remove', path: `d/${i - 2}` },
        ]);
        view = [await save(fixture, changes, i + 1), ...view];
      }
      expect([...(await lookAt(fixture, view)).keys()]).toEqual(['d', 'd/4', 'd/4/f', 'd/5', 'd/5/f']);
    });
  });

  describe('a target', () => {
    test('is created if missing, with its parents', async () => {
      await using fixture = await create();
      const target = `${fixture.targets}/made/for/this`;
      const request = attachRequest(fixture, { sessionId: sessionIdOf(1), target });
      const volume = await fixture.mounter.attach(request, noAbort);
      const made = ['made', 'made/for', 'made/for/this'].map((path) => `${fixture.targets}/${path}`);
      expect(volume.madeDirs).toEqual(made);
      expect(volume.mount.target).toBe(target);
      expect(made.map((path) => fixture.hasDirectory(path))).toEqual([true, true, true]);
      await volume.release(noAbort);
      fixture.mounter.removeTargets([...made, `${fixture.targets}/never-there`]);
      expect(made.map((path) => fixture.hasDirectory(path))).toEqual([false, false, false]);
    });

    test('stays if it existed', async () => {
      await using fixture = await create();
      const target = `${fixture.targets}/existing`;
      const volume = await fixture.mounter.attach(
        attachRequest(fixture, { sessionId: sessionIdOf(1), target }),
        noAbort,
      );
      expect(fixture.hasDirectory(target)).toBe(true);
      await volume.release(noAbort);
      expect(fixture.hasDirectory(target)).toBe(true);
    });

    test('is not removed with other entries in it', async ({ skip }) => {
      await using fixture = await create();
      skip(fixture.mounter.name !== 'overlay', 'a symlink cannot contain entries');
      const attachAt = async (number: number, path: string): Promise<readonly string[]> => {
        const request = attachRequest(fixture, {
          sessionId: sessionIdOf(number),
          target: `${fixture.targets}/${path}`,
        });
        return (await fixture.mounter.attach(request, noAbort)).madeDirs;
      };
      const outer = await attachAt(1, 'a/b');
      await attachAt(2, 'a/b/c');
      fixture.mounter.removeTargets(outer);
      expect(fixture.hasDirectory(`${fixture.targets}/a/b/c`)).toBe(true);
    });

    test.each(['file', 'file/below', '../relative'])('cannot be %s', async (name) => {
      await using fixture = await create();
      const target = name.startsWith('..') ? name : `${fixture.targets}/${name}`;
      const attempt = fixture.mounter.attach(attachRequest(fixture, { sessionId: sessionIdOf(1), target }), noAbort);
      await expect(attempt).rejects.toEqual(expect.objectContaining({ code: 'E_MOUNT_POINT' }));
    });
  });

  describe('an attached volume', () => {
    test('is removed at its release; a second release is harmless', async () => {
      await using fixture = await create();
      const volume = await attach(fixture);
      await fixture.run(volume, [{ do: 'write', path: 'f', content: 'x' }]);
      await volume.release(noAbort);
      await volume.release(noAbort);
      expect(fixture.leftovers()).toEqual([]);
    });

    test('is removed after its changes were saved', async () => {
      await using fixture = await create();
      const volume = await attach(fixture);
      await fixture.run(volume, [{ do: 'write', path: 'f', content: 'x' }]);
      await save(fixture, await collect(volume));
      await volume.release(noAbort);
      expect(fixture.leftovers()).toEqual([]);
    });

    test('is removed with its session, also twice', async () => {
      await using fixture = await create();
      const sessionId = sessionIdOf(9);
      for (const ordinal of [0, 1, 10]) {
        const target = `${fixture.targets}/of-session-${ordinal}`;
        const volume = await fixture.mounter.attach(attachRequest(fixture, { sessionId, ordinal, target }), noAbort);
        if (ordinal === 1) continue;
        await fixture.run(volume, [
          { do: 'mkdir', path: 'd' },
          { do: 'write', path: 'd/f', content: 'x' },
          { do: 'chmod', path: 'd', mode: 0o500 },
        ]);
      }
      await fixture.mounter.discardSession(sessionId, noAbort);
      await fixture.mounter.discardSession(sessionId, noAbort);
      await fixture.mounter.discardSession(sessionIdOf(8), noAbort);
      expect(fixture.leftovers()).toEqual([]);
    });

    test('is not attached after an abort', async () => {
      await using fixture = await create();
      const request = attachRequest(fixture, { sessionId: sessionIdOf(1), target: `${fixture.targets}/stopped` });
      const failure = await fixture.mounter.attach(request, AbortSignal.abort()).catch((error: unknown) => error);
      expect(isCachelaneError(failure, 'E_ABORTED')).toBe(true);
      expect(fixture.hasDirectory(request.target)).toBe(false);
    });
  });
}
