import { digestOf } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { contentEntry, entryFor, madeEntry, removalEntry, stageAll, toBytes } from './change-sets.ts';
import {
  deepItems,
  entriesOf,
  everyKind,
  expectSound,
  expectTree,
  noAbort,
  path,
  publishEntries,
  publishItems,
  sealedAtMs,
  withCode,
} from './conformance-helpers.ts';
import type { LayerStoreFactory } from './layer-store-fixture.ts';

export function contentConformance(create: LayerStoreFactory): void {
  describe('what a run changed', () => {
    test('saved changes come back unchanged, for every kind of file and name', async () => {
      await using fixture = await create();
      const changes = fixture.changes(everyKind);
      const entries = stageAll(changes);
      const published = await publishEntries(fixture.open(), { changes, entries });
      const { layer, staged } = published;
      const expected = entries.map(({ entry }) => entry).toSorted((a, b) => (a.path < b.path ? -1 : 1));
      expect(entriesOf(layer)).toEqual(expected);
      expect(entriesOf(staged)).toEqual(expected);
      expect(layer.key).toBe(staged.id);
      expect(layer.sealedAtMs).toBe(sealedAtMs);
      for (const item of everyKind) {
        if (item.kind !== 'file') continue;
        expect(digestOf(layer.read(path(item.path))), item.path).toBe(digestOf(toBytes(item.content)));
        const head = toBytes(item.content).subarray(0, 3);
        expect(Buffer.from(layer.readHead(path(item.path), 3))).toEqual(Buffer.from(head));
      }
      const tree = fixture.tree(layer);
      for (const item of tree === null ? [] : everyKind) {
        const seen = tree?.files.get(item.path);
        expect(seen?.type, item.path).toBe(item.kind);
        if (seen?.type === 'symlink' && item.kind === 'symlink') expect(seen.target).toBe(item.target);
        if (seen?.type === 'file' && item.kind === 'file') expect(seen.mode).toBe(item.mode ?? 0o644);
        if (seen?.type === 'dir' && item.kind === 'dir') expect(seen.mode).toBe(item.mode ?? 0o755);
      }
      expectTree(
        fixture,
        layer,
        everyKind.map((item) => item.path),
      );
      await expectSound(fixture.open(), published);
    });

    test('deep trees are saved', async () => {
      await using fixture = await create();
      const items = deepItems(60);
      const published = await publishItems(fixture, items);
      const leaf = path(items.at(-1)?.path ?? '');
      expect(Buffer.from(published.layer.read(leaf)).toString()).toBe('deep down');
      await expectSound(fixture.open(), published);
    });

    test('changes without an entry are dropped', async () => {
      await using fixture = await create();
      const changes = fixture.changes([
        { kind: 'dir', path: 'tmp' },
        { kind: 'dir', path: 'tmp/deeper' },
        { kind: 'file', path: 'tmp/deeper/f', content: 'scratch' },
        { kind: 'special', path: 'tmp/socket', what: 'fifo' },
        { kind: 'dir', path: 'kept' },
        { kind: 'file', path: 'kept/f', content: 'keep' },
        { kind: 'file', path: 'kept/dropped', content: 'drop' },
        { kind: 'special', path: 'kept/pipe', what: 'fifo' },
        { kind: 'symlink', path: 'kept/link', target: 'f' },
        { kind: 'removed', path: 'kept/whiteout' },
        { kind: 'removed', path: 'whiteout' },
      ]);
      const entries = stageAll(changes).filter(({ entry }) => ['kept', 'kept/f'].includes(entry.path));
      const published = await publishEntries(fixture.open(), { changes, entries });
      expectTree(fixture, published.layer, ['kept', 'kept/f']);
      await expectSound(fixture.open(), published);
    });

    test('a file gets the mode and time of its entry', async () => {
      await using fixture = await create();
      const changes = fixture.changes([
        { kind: 'dir', path: 'd', mode: 0o700 },
        { kind: 'file', path: 'd/f', content: 'x', mode: 0o600 },
      ]);
      const farFuture = { mtimeNs: 7_258_118_400_000_000_000n };
      const entries = changes.changes.map((change) => {
        const overrides = { ...farFuture, mode: change.kind === 'dir' ? 0o555 : 0o444 };
        return { from: 'change', entry: entryFor(changes, change, { overrides }) } as const;
      });
      const published = await publishEntries(fixture.open(), { changes, entries });
      expect(fixture.tree(published.layer)?.files.get('d/f') ?? { mode: 0o444 }).toMatchObject({ mode: 0o444 });
      await expectSound(fixture.open(), published);
    });

    test('a file that differs from its entry is refused', async () => {
      await using fixture = await create();
      const changes = fixture.changes([{ kind: 'file', path: 'f', content: 'four' }]);
      const [change] = changes.changes;
      if (change === undefined) throw new Error('no change');
      const entry = entryFor(changes, change, { overrides: { sizeBytes: 5, digest: digestOf('fives') } });
      const request = { changes, entries: [{ from: 'change', entry } as const], sealedAtMs };
      await expect(fixture.open().stage(request, noAbort)).rejects.toEqual(withCode('E_LAYER_REFUSED'));
      expect(await fixture.open().list(noAbort)).toEqual([]);
    });
  });

  describe('what a driver made', () => {
    test("a driver's content replaces the change, and a delta is stored beside the tree", async () => {
      await using fixture = await create();
      const changes = fixture.changes([
        { kind: 'dir', path: 'd' },
        { kind: 'file', path: 'd/index', content: 'old lines and new lines' },
        { kind: 'file', path: 'd/rewritten', content: 'as the run left it' },
      ]);
      const entries = [
        ...stageAll(changes).filter(({ entry }) => entry.type === 'dir'),
        contentEntry('d/index', 'new lines', { form: 'delta' }),
        contentEntry('d/rewritten', 'as the driver made it', { mode: 0o600 }),
        contentEntry('d/same-delta', 'new lines', { form: 'delta' }),
      ];
      const published = await publishEntries(fixture.open(), { changes, entries });
      const { layer } = published;
      expect(Buffer.from(layer.read(path('d/index'))).toString()).toBe('new lines');
      expect(Buffer.from(layer.read(path('d/same-delta'))).toString()).toBe('new lines');
      expect(Buffer.from(layer.read(path('d/rewritten'))).toString()).toBe('as the driver made it');
      expect(Buffer.from(layer.readHead(path('d/index'), 3)).toString()).toBe('new');
      expectTree(fixture, layer, ['d', 'd/rewritten']);
      await expectSound(fixture.open(), published);
    });

    test("a driver's content needs no change set", async () => {
      await using fixture = await create();
      const entries = [madeEntry('a', { mode: 0o500 }), madeEntry('a/b'), contentEntry('a/b/c', 'made')];
      const published = await publishEntries(fixture.open(), { changes: null, entries });
      expectTree(fixture, published.layer, ['a', 'a/b', 'a/b/c']);
      await expectSound(fixture.open(), published);
    });
  });

  describe('removals', () => {
    test('counted removals hide the path, hints appear only in the index', async () => {
      await using fixture = await create();
      const changes = fixture.changes([
        { kind: 'dir', path: 'd' },
        { kind: 'removed', path: 'd/counted' },
        { kind: 'removed', path: 'hinted' },
      ]);
      const entries = [
        ...stageAll(changes).filter(({ entry }) => entry.path !== 'hinted'),
        removalEntry('hinted', 'hint'),
        removalEntry('made', 'counted'),
        removalEntry('d/made-too', 'counted'),
      ];
      const published = await publishEntries(fixture.open(), { changes, entries });
      const { layer } = published;
      expect([...layer.index.special()].map((entry) => [entry.path, entry.removed])).toEqual([
        ['d/counted', 'counted'],
        ['d/made-too', 'counted'],
        ['hinted', 'hint'],
        ['made', 'counted'],
      ]);
      expectTree(fixture, layer, ['d', 'd/counted', 'd/made-too', 'made']);
      expect(fixture.tree(layer)?.files.get('made') ?? { type: 'whiteout' }).toEqual({ type: 'whiteout' });
      await expectSound(fixture.open(), published);
    });

    test('removals of lower contents mark the directory', async () => {
      await using fixture = await create();
      const changes = fixture.changes([
        { kind: 'dir', path: 'remade', replaces: true },
        { kind: 'file', path: 'remade/f', content: 'x' },
        { kind: 'dir', path: 'locked', mode: 0o555, replaces: true },
        { kind: 'dir', path: 'plain' },
      ]);
      const entries = [...stageAll(changes), madeEntry('made', { removed: 'below', mode: 0o500 })];
      const published = await publishEntries(fixture.open(), { changes, entries });
      const opaque = fixture.tree(published.layer)?.opaque ?? new Set(['remade', 'locked', 'made']);
      expect([...opaque].toSorted()).toEqual(['locked', 'made', 'remade']);
      await expectSound(fixture.open(), published);
    });
  });
}
