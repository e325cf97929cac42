import { digestOf, type IncomingLayer, type LayerId, type LayerStore, type WireLayer } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { contentEntry, madeEntry, removalEntry, stageAll } from './change-sets.ts';
import {
  entriesOf,
  everyKind,
  expectSound,
  noAbort,
  publishEntries,
  publishItems,
  sealedAtMs,
  withCode,
  type Published,
} from './conformance-helpers.ts';
import type { LayerStoreFactory, LayerStoreFixture } from './layer-store-fixture.ts';

/** Links out of the volume are not packed. */
const insideOnly = everyKind.filter((item) => item.kind !== 'symlink' || !/^\/|^\.\.\//.test(item.target));

interface Packed {
  readonly id: LayerId;
  readonly index: Uint8Array;
  readonly data: Buffer;
}

async function packed(store: LayerStore, { staged }: Published): Promise<Packed> {
  const wire = await store.pack(staged.id, noAbort);
  return { id: staged.id, index: wire.index, data: await allOf(wire) };
}

async function allOf({ data }: WireLayer): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of data) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}

async function* inPieces(data: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += size) {
    await Promise.resolve();
    yield data.subarray(at, at + size);
  }
}

function incoming({ id, index, data }: Packed, pieceBytes = 65_536): IncomingLayer {
  return { id, index, data: inPieces(data, pieceBytes), sealedAtMs };
}

/** A layer with every feature. */
async function richLayer(fixture: LayerStoreFixture): Promise<Published> {
  const changes = fixture.changes(insideOnly);
  return await publishEntries(fixture.open(), {
    changes,
    entries: [
      ...stageAll(changes),
      contentEntry('lines', 'a line\n', { form: 'delta', mergeClass: 'A' }),
      madeEntry('anew', { removed: 'below' }),
      contentEntry('anew/f', 'f'),
      removalEntry('gone', 'counted'),
      removalEntry('anew/.wh.gone', 'counted'),
      removalEntry('was-there', 'hint'),
    ],
  });
}

export function wireConformance(create: LayerStoreFactory): void {
  describe('a transferred layer', () => {
    test.each([1_000_000_000, 1000, 7])(
      'is the same layer in another store, in pieces of %i bytes',
      async (pieceBytes) => {
        await using from = await create();
        await using to = await create();
        const layer =
          pieceBytes < 1000
            ? await publishItems(from, [{ kind: 'file', path: 'f', content: 'x' }])
            : await richLayer(from);
        const store = to.open();
        const staged = await store.unpack(incoming(await packed(from.open(), layer), pieceBytes), noAbort);
        expect(await store.has(layer.staged.id, noAbort)).toBe(false);
        await store.publish(staged, noAbort);
        const opened = await store.open(layer.staged.id, noAbort);
        expect(entriesOf(opened)).toEqual(entriesOf(layer.layer));
        expect(opened.sealedAtMs).toBe(sealedAtMs);
        await expectSound(store, { staged, layer: opened });
        const [there, here] = [from.tree(layer.layer), to.tree(opened)];
        expect([...(here?.files.keys() ?? [])]).toEqual([...(there?.files.keys() ?? [])]);
        for (const each of entriesOf(opened)) {
          if (each.digest !== null) expect(digestOf(opened.read(each.path))).toBe(each.digest);
        }
      },
    );

    test('gives the same bytes each time', async () => {
      await using fixture = await create();
      const layer = await richLayer(fixture);
      const [one, two] = [await packed(fixture.open(), layer), await packed(fixture.open(), layer)];
      expect(one.data.equals(two.data)).toBe(true);
      expect(digestOf(one.index)).toBe(layer.staged.id);
    });

    test('is refused with missing, changed or extra bytes, and leaves nothing', async () => {
      await using from = await create();
      await using to = await create();
      const whole = await packed(from.open(), await richLayer(from));
      const { data } = whole;
      const store = to.open();
      const flipped = Array.from({ length: 40 }, (_, i) => {
        const at = Math.floor((data.length * (i + 0.5)) / 40);
        const copy = Buffer.from(data);
        copy[at] = (copy[at] ?? 0) ^ (1 << (i % 8));
        return copy;
      });
      const cut = [0, 1, 15, 16, 17, data.length >> 1, data.length - 1].map((end) => data.subarray(0, end));
      const more = [Buffer.concat([data, Buffer.from('x')]), Buffer.concat([data, data])];
      for (const bad of [...flipped, ...cut, ...more]) {
        await expect(store.unpack(incoming({ ...whole, data: bad }), noAbort)).rejects.toEqual(
          withCode('E_LAYER_REFUSED'),
        );
      }
      expect(await store.list(noAbort)).toEqual([]);
      expect(to.leftovers()).toEqual([]);
    });

    test("is refused under another id, and with another layer's content", async () => {
      await using fixture = await create();
      const one = await packed(
        fixture.open(),
        await publishItems(fixture, [{ kind: 'file', path: 'f', content: '1' }]),
      );
      const two = await packed(
        fixture.open(),
        await publishItems(fixture, [{ kind: 'file', path: 'f', content: '2' }]),
      );
      const store = fixture.open();
      const refused = withCode('E_LAYER_REFUSED');
      await expect(store.unpack(incoming({ ...one, id: two.id }), noAbort)).rejects.toEqual(refused);
      await expect(store.unpack(incoming({ ...one, data: two.data }), noAbort)).rejects.toEqual(refused);
    });

    test('is packed before it is published', async () => {
      await using fixture = await create();
      const store = fixture.open();
      const changes = fixture.changes(insideOnly);
      const staged = await store.stage({ changes, entries: stageAll(changes), sealedAtMs }, noAbort);
      const early = await allOf(await store.pack(staged, noAbort));
      await store.publish(staged, noAbort);
      expect((await allOf(await store.pack(staged.id, noAbort))).equals(early)).toBe(true);
    });

    test('is not packed if it is damaged', async () => {
      await using fixture = await create();
      const layer = await publishItems(fixture, [{ kind: 'file', path: 'f', content: 'x' }]);
      fixture.damage(layer.staged.id, { kind: 'flip', path: 'f' });
      const store = fixture.open();
      await expect(packed(store, layer)).rejects.toEqual(withCode('E_LAYER_CORRUPT'));
      await expect(store.pack(digestOf('none') as LayerId, noAbort)).rejects.toEqual(withCode('E_LAYER_MISSING'));
    });

    test('replaces a damaged copy', async () => {
      await using from = await create();
      await using to = await create();
      const layer = await publishItems(from, [{ kind: 'file', path: 'f', content: 'x' }]);
      const there = await publishItems(to, [{ kind: 'file', path: 'f', content: 'x' }]);
      expect(there.staged.id).toBe(layer.staged.id);
      to.damage(there.staged.id, { kind: 'flip', path: 'f' });
      const store = to.open();
      const staged = await store.unpack(incoming(await packed(from.open(), layer)), noAbort);
      await store.publish(staged, noAbort);
      await expectSound(store, { staged, layer: await store.open(staged.id, noAbort) });
    });

    test('can be extracted to a tree, and stays the same layer', async () => {
      await using from = await create();
      await using to = await create();
      const layer = await richLayer(from);
      const sent = await packed(from.open(), layer);
      const store = to.open();
      const staged = await store.unpack(incoming(sent), noAbort);
      await store.publish(staged, noAbort);
      const before = await store.open(staged.id, noAbort);
      const extracted = await store.extract(staged.id, noAbort);
      expect(extracted.image).toBeNull();
      expect(extracted.sealedAtMs).toBe(before.sealedAtMs);
      expect((await to.open().open(staged.id, noAbort)).image).toBeNull();
      expect(entriesOf(extracted)).toEqual(entriesOf(layer.layer));
      expect(to.tree(extracted)).toEqual(from.tree(layer.layer));
      // A handle from before the extraction still works.
      for (const { path, digest } of entriesOf(extracted)) {
        if (digest !== null) for (const each of [before, extracted]) expect(digestOf(each.read(path))).toBe(digest);
      }
      await expectSound(store, { staged, layer: extracted });
      expect(await to.open().isSettled(staged.id, noAbort)).toBe(true);
      expect((await packed(store, { staged, layer: extracted })).data.equals(sent.data)).toBe(true);
      expect(to.leftovers()).toEqual([]);
      expect((await store.extract(staged.id, noAbort)).key).toBe(staged.id);
      await expect(store.extract(digestOf('none') as LayerId, noAbort)).rejects.toEqual(withCode('E_LAYER_MISSING'));
    });

    test('is not extracted if it is damaged', async () => {
      await using from = await create();
      await using to = await create();
      const store = to.open();
      const staged = await store.unpack(incoming(await packed(from.open(), await richLayer(from))), noAbort);
      await store.publish(staged, noAbort);
      if ((await store.open(staged.id, noAbort)).image === null) return;
      to.damage(staged.id, { kind: 'flip', path: 'anew/f' });
      await expect(store.extract(staged.id, noAbort)).rejects.toEqual(withCode('E_LAYER_CORRUPT'));
      expect(to.leftovers()).toEqual([]);
      expect((await store.open(staged.id, noAbort)).image).not.toBeNull();
    });

    test('is extracted once by concurrent callers', async () => {
      await using from = await create();
      await using to = await create();
      const layer = await richLayer(from);
      const store = to.open();
      const staged = await store.unpack(incoming(await packed(from.open(), layer)), noAbort);
      await store.publish(staged, noAbort);
      const all = await Promise.all(Array.from({ length: 4 }, () => to.open().extract(staged.id, noAbort)));
      expect(all.map(({ image }) => image)).toEqual([null, null, null, null]);
      expect(to.tree(all[0] ?? layer.layer)).toEqual(from.tree(layer.layer));
      await expectSound(to.open(), { staged, layer: layer.layer });
      expect(to.leftovers()).toEqual([]);
    });

    test('leaves nothing if its source fails', async () => {
      await using from = await create();
      await using to = await create();
      const whole = await packed(from.open(), await richLayer(from));
      const failing = async function* (): AsyncGenerator<Uint8Array> {
        yield* inPieces(whole.data.subarray(0, whole.data.length >> 1), 1000);
        throw new Error('the line is dead');
      };
      await expect(to.open().unpack({ ...incoming(whole), data: failing() }, noAbort)).rejects.toThrow(/line is dead/);
      expect(to.leftovers()).toEqual([]);
    });
  });
}
