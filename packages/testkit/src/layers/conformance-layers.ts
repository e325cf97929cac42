import type { LayerId, StagedEntry } from '@cachelane/core';
import { digestOf } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { contentEntry, madeEntry, stageAll } from './change-sets.ts';
import {
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

const unknown = digestOf('unknown') as LayerId;

export function lifeConformance(create: LayerStoreFactory): void {
  describe('a layer', () => {
    test('is invisible before it is published', async () => {
      await using fixture = await create();
      const store = fixture.open();
      const changes = fixture.changes([{ kind: 'file', path: 'f', content: 'x' }]);
      const staged = await store.stage({ changes, entries: stageAll(changes), sealedAtMs }, noAbort);
      expect(await store.has(staged.id, noAbort)).toBe(false);
      expect(await store.list(noAbort)).toEqual([]);
      await expect(store.open(staged.id, noAbort)).rejects.toEqual(withCode('E_LAYER_MISSING'));
      await store.publish(staged, noAbort);
      const other = fixture.open();
      expect(await other.has(staged.id, noAbort)).toBe(true);
      expect(await other.list(noAbort)).toEqual([{ id: staged.id, sealedAtMs, sizeBytes: 1 }]);
      expect(Buffer.from((await other.open(staged.id, noAbort)).read(path('f'))).toString()).toBe('x');
    });

    test('leaves nothing if it is dropped', async () => {
      await using fixture = await create();
      const store = fixture.open();
      const staged = await store.stage({ changes: null, entries: [contentEntry('f', 'x')], sealedAtMs }, noAbort);
      await store.unstage(staged, noAbort);
      await store.unstage(staged, noAbort);
      expect(await store.has(staged.id, noAbort)).toBe(false);
      await expect(store.publish(staged, noAbort)).rejects.toEqual(withCode('E_INTERNAL'));
    });

    test('published twice is one layer', async () => {
      await using fixture = await create();
      const store = fixture.open();
      const request = { changes: null, entries: [contentEntry('f', 'x')], sealedAtMs };
      const [first, second] = [await store.stage(request, noAbort), await store.stage(request, noAbort)];
      expect(second.id).toBe(first.id);
      await store.publish(first, noAbort);
      await store.publish(first, noAbort);
      await store.publish(second, noAbort);
      expect(await store.list(noAbort)).toHaveLength(1);
      expect(await store.verify(first.id, noAbort)).toMatchObject({ ok: true });
    });

    test('may be saved by many at once', async () => {
      await using fixture = await create();
      const runs = Array.from({ length: 8 }, async (_, i) => {
        const changes = fixture.changes([
          { kind: 'dir', path: 'd' },
          { kind: 'file', path: `d/${i % 2}`, content: `of ${i % 2}` },
        ]);
        return publishEntries(fixture.open(), { changes, entries: stageAll(changes) });
      });
      const published = await Promise.all(runs);
      expect(new Set(published.map(({ staged }) => staged.id)).size).toBe(2);
      for (const each of published) await expectSound(fixture.open(), each);
      expect(await fixture.open().list(noAbort)).toHaveLength(2);
    });

    test('has an id that depends on its contents only, not on their order', async () => {
      await using fixture = await create();
      const entries: readonly StagedEntry[] = [madeEntry('d'), contentEntry('d/a', '1'), contentEntry('d/b', '2')];
      const there = await publishEntries(fixture.open(), { changes: null, entries });
      const back = await publishEntries(fixture.open(), { changes: null, entries: entries.toReversed() });
      expect(back.staged.id).toBe(there.staged.id);
      const otherwise = await publishEntries(fixture.open(), { changes: null, entries: [contentEntry('a', '2')] });
      expect(otherwise.staged.id).not.toBe(there.staged.id);
    });

    test('throws if it is missing', async () => {
      await using fixture = await create();
      const store = fixture.open();
      expect(await store.has(unknown, noAbort)).toBe(false);
      expect(await store.isSettled(unknown, noAbort)).toBe(false);
      await expect(store.open(unknown, noAbort)).rejects.toEqual(withCode('E_LAYER_MISSING'));
      await expect(store.verify(unknown, noAbort)).rejects.toEqual(withCode('E_LAYER_MISSING'));
    });

    test('reports all of its bytes while it is verified', async () => {
      await using fixture = await create();
      const store = fixture.open();
      const { staged } = await publishItems(fixture, everyKind);
      const [listed] = await store.describe([staged.id], noAbort);
      let bytes = 0;
      await store.verify(staged.id, noAbort, (count) => void (bytes += count));
      expect(bytes).toBe(listed?.sizeBytes);
    });

    test('has the same description alone and in the list', async () => {
      await using fixture = await create();
      const store = fixture.open();
      const { staged } = await publishItems(fixture, everyKind);
      const { staged: other } = await publishItems(fixture, [{ kind: 'file', path: 'f', content: 'x' }]);
      const listed = await store.list(noAbort);
      const described = await store.describe([other.id, unknown, staged.id], noAbort);
      expect(described.map(({ id }) => id)).toEqual([other.id, staged.id]);
      expect(listed).toEqual(expect.arrayContaining([...described]));
      store.remove([other.id]);
      expect(await store.describe([other.id, unknown], noAbort)).toEqual([]);
    });

    test('is gone at once after its removal', async () => {
      await using fixture = await create();
      const store = fixture.open();
      const { staged } = await publishItems(fixture, everyKind);
      const { staged: other } = await publishItems(fixture, [{ kind: 'file', path: 'f', content: 'x' }]);
      expect([staged.id, unknown, other.id].map((id) => store.isThere(id))).toEqual([true, false, true]);
      store.remove([staged.id, unknown]);
      expect([staged.id, unknown, other.id].map((id) => store.isThere(id))).toEqual([false, false, true]);
      expect(await store.has(staged.id, noAbort)).toBe(false);
      await expect(store.open(staged.id, noAbort)).rejects.toEqual(withCode('E_LAYER_MISSING'));
      expect((await store.list(noAbort)).map(({ id }) => id)).toEqual([other.id]);
      expect(await store.verify(other.id, noAbort)).toMatchObject({ ok: true });
    });

    test('is settled while the machine runs, and later once it reached the disk', async () => {
      await using fixture = await create();
      const { staged } = await publishItems(fixture, [{ kind: 'file', path: 'f', content: 'x' }]);
      expect(await fixture.open().isSettled(staged.id, noAbort)).toBe(true);
      await fixture.settle(staged.id);
      expect(await fixture.open({ bootId: 'another' }).isSettled(staged.id, noAbort)).toBe(true);
    });

    test('cannot have one path twice', async () => {
      await using fixture = await create();
      const entries = [contentEntry('f', 'x'), contentEntry('f', 'y')];
      await expect(fixture.open().stage({ changes: null, entries, sealedAtMs }, noAbort)).rejects.toEqual(
        withCode('E_INTERNAL'),
      );
    });

    test('is not started after an abort', async () => {
      await using fixture = await create();
      const stopped = AbortSignal.abort();
      const request = { changes: null, entries: [contentEntry('f', 'x')], sealedAtMs };
      await expect(fixture.open().stage(request, stopped)).rejects.toEqual(withCode('E_ABORTED'));
      await expect(fixture.open().list(stopped)).rejects.toEqual(withCode('E_ABORTED'));
    });
  });

  describe('a layer made of others', () => {
    test('keeps their content after they are removed', async () => {
      await using fixture = await create();
      const store = fixture.open();
      const { layer } = await publishItems(fixture, everyKind);
      const delta = await publishEntries(store, {
        changes: null,
        entries: [contentEntry('index', 'lines', { form: 'delta' })],
      });
      const entries: readonly StagedEntry[] = [
        ...entriesOf(layer).map((entry): StagedEntry =>
          entry.type === 'dir' ? { from: 'made', entry } : { from: 'layer', entry, layer },
        ),
        ...entriesOf(delta.layer).map((entry): StagedEntry => ({ from: 'layer', entry, layer: delta.layer })),
      ];
      const made = await publishEntries(store, { changes: null, entries });
      store.remove([layer.key as LayerId, delta.layer.key as LayerId]);
      expect(entriesOf(made.layer)).toEqual(
        [...entriesOf(layer), ...entriesOf(delta.layer)].toSorted((a, b) => (a.path < b.path ? -1 : 1)),
      );
      expect(Buffer.from(made.layer.read(path('index'))).toString()).toBe('lines');
      expect(Buffer.from(made.layer.read(path('shut-dir/inside'))).toString()).toBe('behind a shut door');
      expectTree(
        fixture,
        made.layer,
        everyKind.map((item) => item.path),
      );
      await expectSound(store, made);
    });

    test('never changes them', async () => {
      await using fixture = await create();
      const store = fixture.open();
      const source = await publishItems(fixture, [{ kind: 'file', path: 'f', content: 'x', mode: 0o644 }]);
      const [entry] = entriesOf(source.layer);
      if (entry === undefined) throw new Error('no entry');
      const changed = { ...entry, mode: 0o600, mtimeNs: 7_258_118_400_000_000_000n };
      const made = await publishEntries(store, {
        changes: null,
        entries: [{ from: 'layer', entry: changed, layer: source.layer }],
      });
      await expectSound(store, source);
      await expectSound(store, made);
    });
  });
}
