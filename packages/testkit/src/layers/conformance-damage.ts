import { digestOf, type LayerId } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { contentEntry, madeEntry } from './change-sets.ts';
import { noAbort, path, publishEntries, withCode } from './conformance-helpers.ts';
import type { Damage, LayerStoreFactory, LayerStoreFixture } from './layer-store-fixture.ts';

async function publishSample(fixture: LayerStoreFixture): Promise<LayerId> {
  const entries = [
    madeEntry('d'),
    contentEntry('d/file', 'content'),
    contentEntry('d/other', 'content'),
    contentEntry('d/delta', 'lines', { form: 'delta' }),
  ];
  return (await publishEntries(fixture.open(), { changes: null, entries })).staged.id;
}

const damages: readonly (readonly [string, Damage])[] = [
  ['a flipped bit', { kind: 'flip', path: 'd/file' }],
  ['a file cut short', { kind: 'truncate', path: 'd/file' }],
  ['a missing file', { kind: 'remove', path: 'd/file' }],
  ['a file too many', { kind: 'add', path: 'd/added' }],
  ['a flipped bit of a delta', { kind: 'flip', path: 'd/delta' }],
  ['a missing delta', { kind: 'remove', path: 'd/delta' }],
];

export function damageConformance(create: LayerStoreFactory): void {
  describe('verification finds', () => {
    test.each(damages)('%s', async (_, damage) => {
      await using fixture = await create();
      const id = await publishSample(fixture);
      expect(await fixture.open().verify(id, noAbort)).toEqual({ key: id, ok: true, problems: [] });
      fixture.damage(id, damage);
      const verification = await fixture.open().verify(id, noAbort);
      expect(verification.ok).toBe(false);
      expect(verification.problems.join('\n')).toContain('path' in damage ? damage.path : '');
    });

    test.each(['flip-index', 'remove-index'] as const)('a damaged index: %s', async (kind) => {
      await using fixture = await create();
      if (!fixture.hasIndexFiles) return;
      const id = await publishSample(fixture);
      fixture.damage(id, { kind });
      expect(await fixture.open().verify(id, noAbort)).toMatchObject({ ok: false });
      expect(fixture.open().isThere(id)).toBe(true);
      const openIndex = async (): Promise<number> => (await fixture.open().open(id, noAbort)).index.count;
      await expect(openIndex()).rejects.toEqual(withCode('E_LAYER_CORRUPT'));
    });
  });

  describe('damaged content', () => {
    test.each(damages.filter(([, { kind }]) => kind !== 'add'))('is never returned: %s', async (_, damage) => {
      await using fixture = await create();
      const id = await publishSample(fixture);
      const layer = await fixture.open().open(id, noAbort);
      fixture.damage(id, damage);
      const damaged = 'path' in damage ? path(damage.path) : path('');
      expect(() => layer.read(damaged)).toThrow(expect.objectContaining({ code: 'E_LAYER_CORRUPT' }));
    });

    test('is not copied into another layer', async () => {
      await using fixture = await create();
      const id = await publishSample(fixture);
      const layer = await fixture.open().open(id, noAbort);
      fixture.damage(id, { kind: 'remove', path: 'd/file' });
      const entry = layer.index.find(path('d/file'));
      if (entry === undefined) throw new Error('no entry');
      const entries = [madeEntry('d'), { from: 'layer', entry, layer } as const];
      await expect(publishEntries(fixture.open(), { changes: null, entries })).rejects.toEqual(
        withCode('E_LAYER_CORRUPT'),
      );
    });

    test('is found in a layer that was written just before a power failure', async () => {
      await using fixture = await create();
      const id = await publishSample(fixture);
      fixture.damage(id, { kind: 'truncate', path: 'd/file' });
      expect(await fixture.open().verify(id, noAbort)).toMatchObject({ ok: false });
    });

    test('does not prevent listing and removing the layer', async () => {
      await using fixture = await create();
      const id = await publishSample(fixture);
      if (fixture.hasIndexFiles) fixture.damage(id, { kind: 'remove-index' });
      const store = fixture.open();
      expect((await store.list(noAbort)).map((layer) => layer.id)).toEqual([id]);
      expect((await store.describe([id], noAbort)).map((layer) => layer.id)).toEqual([id]);
      store.remove([id]);
      expect(await store.list(noAbort)).toEqual([]);
    });

    test('of a derived layer is reported once', async () => {
      await using fixture = await create();
      if (!fixture.hasIndexFiles) return;
      const key = digestOf('derived');
      const request = { changes: null, entries: [contentEntry('f', 'good')], sealedAtMs: 1 };
      await fixture.open().derive(key, request, noAbort);
      fixture.damageDerived(key, { kind: 'flip-index' });
      const damaged = await fixture.open().openDerived(key, noAbort);
      expect(() => damaged?.index).toThrow(expect.objectContaining({ code: 'E_LAYER_CORRUPT' }));
      expect(await fixture.open().openDerived(key, noAbort)).toBeUndefined();
      expect((await fixture.open().derive(key, request, noAbort)).index.count).toBe(1);
    });

    test('of a derived layer that is not settled makes it again', async () => {
      await using fixture = await create();
      if (!fixture.hasIndexFiles) return;
      const key = digestOf('derived');
      const request = { changes: null, entries: [contentEntry('f', 'good')], sealedAtMs: 1 };
      await fixture.open({ bootId: 'before' }).derive(key, request, noAbort);
      fixture.damageDerived(key, { kind: 'truncate', path: 'f' });
      expect(await fixture.open({ bootId: 'after' }).openDerived(key, noAbort)).toBeUndefined();
      const again = await fixture.open({ bootId: 'after' }).derive(key, request, noAbort);
      expect(Buffer.from(again.read(path('f'))).toString()).toBe('good');
    });
  });
}
