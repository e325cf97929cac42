import { digestOf } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { contentEntry } from './change-sets.ts';
import { noAbort, path, sealedAtMs } from './conformance-helpers.ts';
import type { LayerStoreFactory } from './layer-store-fixture.ts';

const key = digestOf('squash of a and b');
const request = (content: string) => ({ changes: null, entries: [contentEntry('f', content)], sealedAtMs });

export function derivedConformance(create: LayerStoreFactory): void {
  describe('a derived layer', () => {
    test('is made once for a key', async () => {
      await using fixture = await create();
      expect(await fixture.open().openDerived(key, noAbort)).toBeUndefined();
      const first = await fixture.open().derive(key, request('first'), noAbort);
      const second = await fixture.open().derive(key, request('second'), noAbort);
      expect(first.key).toBe(key);
      expect(Buffer.from(second.read(path('f'))).toString()).toBe('first');
      const opened = await fixture.open().openDerived(key, noAbort);
      expect(Buffer.from(opened?.read(path('f')) ?? []).toString()).toBe('first');
      expect(opened?.sealedAtMs).toBe(sealedAtMs);
    });

    test('is made once by concurrent callers', async () => {
      await using fixture = await create();
      const made = await Promise.all(
        Array.from({ length: 6 }, () => fixture.open().derive(key, request('same'), noAbort)),
      );
      for (const layer of made) expect(Buffer.from(layer.read(path('f'))).toString()).toBe('same');
      expect(await fixture.open().listDerived(noAbort)).toHaveLength(1);
    });

    test('is not listed as a layer', async () => {
      await using fixture = await create();
      await fixture.open().derive(key, request('x'), noAbort);
      expect(await fixture.open().list(noAbort)).toEqual([]);
    });

    test('knows its last use', async () => {
      await using fixture = await create();
      const day = 86_400_000;
      const now = sealedAtMs + 400 * day;
      await fixture.open({ nowMs: now }).derive(key, request('x'), noAbort);
      await fixture.open({ nowMs: now + 3 * day }).openDerived(key, noAbort);
      const [listed] = await fixture.open().listDerived(noAbort);
      expect(listed?.key).toBe(key);
      expect(Math.abs((listed?.usedAtMs ?? 0) - (now + 3 * day))).toBeLessThan(3_600_000);
    });

    test('counts only the size that it does not share with layers', async () => {
      await using fixture = await create();
      const store = fixture.open();
      const own = 1 << 18;
      const layer = { changes: null, entries: [contentEntry('f', 'l'.repeat(own))], sealedAtMs };
      const staged = await store.stage(layer, noAbort);
      await store.publish(staged, noAbort);
      const before = await store.usage(noAbort);
      expect(before.layersBytes).toBeGreaterThanOrEqual(own);
      expect(before.derivedBytes).toBeLessThan(own);
      const stored = await store.open(staged.id, noAbort);
      const linked = layer.entries.map(({ entry }) => ({ from: 'layer', entry, layer: stored }) as const);
      await store.derive(key, { changes: null, entries: linked, sealedAtMs }, noAbort);
      const shared = await store.usage(noAbort);
      expect(shared.layersBytes).toBe(before.layersBytes);
      if (fixture.sharesContent) expect(shared.derivedBytes).toBeLessThan(own);
      await store.derive(digestOf('another'), request('d'.repeat(own)), noAbort);
      expect((await store.usage(noAbort)).derivedBytes).toBeGreaterThanOrEqual(own);
    });

    test('can be removed and made again', async () => {
      await using fixture = await create();
      await fixture.open().derive(key, request('first'), noAbort);
      fixture.open().removeDerived([key, digestOf('unknown')]);
      expect(await fixture.open().openDerived(key, noAbort)).toBeUndefined();
      expect(await fixture.open().listDerived(noAbort)).toEqual([]);
      const again = await fixture.open().derive(key, request('again'), noAbort);
      expect(Buffer.from(again.read(path('f'))).toString()).toBe('again');
    });
  });
}
