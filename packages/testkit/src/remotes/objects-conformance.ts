import { describe, expect, test } from 'vitest';
import { limits, type ObjectSource, type RemoteKey, type RemoteObjects } from '@cachelane/core';
import { noAbort } from '../metadata/metadata-builders.ts';
import { asText, contentOf, key, noise, sourceOf, surely, text } from './remote-builders.ts';
import type { RemoteFactory, RemoteFixture } from './remote-fixture.ts';

/** The conformance suite of the `RemoteObjects` port: one test for each guarantee of its contract. `create` makes an empty remote for each test. */
export function remoteObjectsConformance(name: string, create: RemoteFactory): void {
  const use = async (act: (objects: RemoteObjects, another: RemoteFixture['open']) => Promise<void>) => {
    await using fixture = await create();
    await using remote = await fixture.open();
    await act(remote.objects, () => fixture.open());
  };

  describe(`remote objects: ${name}`, () => {
    test('a stored object is found whole by all clients, with its size', () =>
      use(async (objects, another) => {
        const bytes = noise(300_000);
        expect(await objects.put(key('a/b/c'), sourceOf(bytes), noAbort)).toEqual({ kind: 'stored' });
        await using other = await another();
        for (const reader of [objects, other.objects]) {
          const { digest, ...found } = (await reader.stat(key('a/b/c'), noAbort)) ?? {};
          expect(found).toMatchObject({ key: 'a/b/c', sizeBytes: bytes.length });
          expect([null, sourceOf(bytes).digest]).toContain(digest);
          const download = await reader.get(key('a/b/c'), {}, noAbort);
          expect(download?.sizeBytes).toBe(bytes.length);
          expect(Buffer.from((await contentOf(download)) ?? []).equals(bytes)).toBe(true);
        }
      }));

    test('a renewed object is stored whole, whatever was there before', () =>
      use(async (objects) => {
        await objects.renew(key('a'), sourceOf(text('first')), noAbort);
        await objects.renew(key('a'), sourceOf(text('first')), noAbort);
        expect(asText(await contentOf(await objects.get(key('a'), {}, noAbort)))).toBe('first');
        const large = noise(9_000_000);
        await objects.put(key('b'), sourceOf(large), noAbort);
        const before = (await objects.stat(key('b'), noAbort))?.storedAtMs ?? 0;
        await objects.renew(key('b'), sourceOf(large), noAbort);
        expect(await objects.stat(key('b'), noAbort)).toMatchObject({ sizeBytes: large.length });
        expect((await objects.stat(key('b'), noAbort))?.storedAtMs).toBeGreaterThanOrEqual(before);
        const wrong = { ...sourceOf(text('x')), digest: sourceOf(text('y')).digest };
        await expect(objects.renew(key('a'), wrong, noAbort)).rejects.toMatchObject({ code: 'E_OBJECT_CORRUPT' });
        expect(asText(await contentOf(await objects.get(key('a'), {}, noAbort)))).toBe('first');
      }));

    test('an empty object can be stored', () =>
      use(async (objects) => {
        const empty = sourceOf(new Uint8Array());
        expect(await objects.put(key('empty'), empty, noAbort)).toEqual({ kind: 'stored' });
        expect(await objects.stat(key('empty'), noAbort)).toMatchObject({ sizeBytes: 0 });
        expect(await contentOf(await objects.get(key('empty'), { expect: empty }, noAbort))).toEqual(new Uint8Array());
      }));

    test('a missing object is not found', () =>
      use(async (objects) => {
        expect(await objects.get(key('no/such'), {}, noAbort)).toBeUndefined();
        expect(await objects.get(key('no/such'), { offset: 5 }, noAbort)).toBeUndefined();
        expect(await objects.stat(key('no/such'), noAbort)).toBeUndefined();
        await objects.remove(key('no/such'), noAbort);
        expect(await objects.list('', {}, noAbort)).toEqual({ objects: [], more: false });
      }));

    test('an object is stored once: same bytes are present, other bytes are refused', () =>
      use(async (objects) => {
        await objects.put(key('a'), sourceOf(text('first')), noAbort);
        expect(await objects.put(key('a'), sourceOf(text('first')), noAbort)).toEqual({ kind: 'present' });
        for (const other of ['other', 'longer than the first']) {
          expect(await objects.put(key('a'), sourceOf(text(other)), noAbort)).toMatchObject({
            kind: 'different',
            found: { key: 'a', sizeBytes: 5 },
          });
        }
        expect(asText(await contentOf(await objects.get(key('a'), {}, noAbort)))).toBe('first');
      }));

    test('of concurrent puts one or more say stored, the others present', () =>
      use(async (objects, another) => {
        const bytes = noise(200_000, 7);
        const outcomes = await Promise.all(
          Array.from({ length: 6 }, async () => {
            await using own = await another();
            return (await surely(() => own.objects.put(key('a/same'), sourceOf(bytes), noAbort))).kind;
          }),
        );
        expect(outcomes).toContain('stored');
        for (const outcome of outcomes) expect(['stored', 'present']).toContain(outcome);
        expect(await objects.put(key('a/same'), sourceOf(bytes), noAbort)).toEqual({ kind: 'present' });
        expect(Buffer.from((await contentOf(await objects.get(key('a/same'), {}, noAbort))) ?? []).equals(bytes)).toBe(
          true,
        );
      }));

    test('a source with another digest is refused, and leaves nothing visible', () =>
      use(async (objects) => {
        const honest = sourceOf(text('honest'));
        const liars: readonly ObjectSource[] = [
          { ...honest, read: () => sourceOf(text('liar!!')).read() },
          { ...honest, read: () => sourceOf(text('short')).read() },
          { ...honest, read: () => sourceOf(text('much longer')).read() },
        ];
        for (const liar of liars) {
          await expect(objects.put(key('a'), liar, noAbort)).rejects.toMatchObject({ code: 'E_OBJECT_CORRUPT' });
          expect(await objects.stat(key('a'), noAbort)).toBeUndefined();
        }
        expect(await objects.list('', {}, noAbort)).toEqual({ objects: [], more: false });
        expect(await objects.put(key('a'), honest, noAbort)).toEqual({ kind: 'stored' });
      }));

    test("a source's error is passed on, and nothing is visible", () =>
      use(async (objects) => {
        const failing: ObjectSource = {
          ...sourceOf(text('half and half')),
          async *read() {
            yield text('half');
            throw Object.assign(new Error('the source broke'), { code: 'ENOENT' });
          },
        };
        await expect(objects.put(key('a'), failing, noAbort)).rejects.toThrow('the source broke');
        expect(await objects.stat(key('a'), noAbort)).toBeUndefined();
      }));

    test('reads start at any byte, up to the end', () =>
      use(async (objects) => {
        const bytes = noise(150_000, 3);
        await objects.put(key('a'), sourceOf(bytes), noAbort);
        for (const offset of [1, 65_536, 149_999, 150_000]) {
          const download = await objects.get(key('a'), { offset }, noAbort);
          expect(download?.sizeBytes).toBe(bytes.length);
          expect(Buffer.from((await contentOf(download)) ?? []).equals(bytes.subarray(offset))).toBe(true);
        }
        const beyond = async () => await contentOf(await objects.get(key('a'), { offset: 150_001 }, noAbort));
        await expect(beyond()).rejects.toMatchObject({ code: 'E_OBJECT_CORRUPT' });
      }));

    test('content with another digest ends in an error', () =>
      use(async (objects) => {
        const bytes = noise(100_000);
        await objects.put(key('a'), sourceOf(bytes), noAbort);
        expect(await contentOf(await objects.get(key('a'), { expect: sourceOf(bytes) }, noAbort))).toHaveLength(
          100_000,
        );
        for (const expected of [noise(100_000, 2), noise(99_999), noise(100_001)]) {
          const read = async () =>
            await contentOf(await objects.get(key('a'), { expect: sourceOf(expected) }, noAbort));
          await expect(read()).rejects.toMatchObject({ code: 'E_OBJECT_CORRUPT' });
        }
      }));

    test('a reader may stop early', () =>
      use(async (objects) => {
        await objects.put(key('a'), sourceOf(noise(3_000_000)), noAbort);
        for (let round = 0; round < 12; round++) {
          for await (const piece of (await objects.get(key('a'), {}, noAbort))?.data ?? []) {
            expect(piece.length).toBeGreaterThan(0);
            break;
          }
        }
      }));

    test('large objects come back unchanged', () =>
      use(async (objects) => {
        const bytes = noise(limits.remotePartBytes * 2 + 12_345, 5);
        const source = sourceOf(bytes, 1_000_000);
        expect(await objects.put(key('large'), source, noAbort)).toEqual({ kind: 'stored' });
        expect(await objects.put(key('large'), source, noAbort)).toEqual({ kind: 'present' });
        expect(await objects.stat(key('large'), noAbort)).toMatchObject({ sizeBytes: bytes.length });
        const whole = await contentOf(await objects.get(key('large'), { expect: source }, noAbort));
        expect(Buffer.from(whole ?? []).equals(bytes)).toBe(true);
        const liar = { ...source, read: () => sourceOf(noise(bytes.length, 6), 1_000_000).read() };
        await expect(objects.put(key('liar'), liar, noAbort)).rejects.toMatchObject({ code: 'E_OBJECT_CORRUPT' });
        expect(await objects.stat(key('liar'), noAbort)).toBeUndefined();
      }));

    test('a listing is in key order, by prefix, in pages', () =>
      use(async (objects) => {
        const keys = ['a-b', 'a.c', 'a/b/c', 'a/b0', 'a/c', 'ab', 'b', 'b0/x', 'c/a', 'c/b'].map(key);
        for (const one of keys.toReversed()) await objects.put(one, sourceOf(text(one)), noAbort);
        const all = await objects.list('', {}, noAbort);
        expect(all.objects.map((object) => object.key)).toEqual(keys);
        expect(all.objects.map(({ sizeBytes }) => sizeBytes)).toEqual(keys.map(({ length }) => length));
        expect(all.more).toBe(false);
        for (const prefix of ['a', 'a/', 'a/b', 'a/b/', 'c/b', 'nothing', 'b']) {
          const found = await objects.list(prefix, {}, noAbort);
          expect(found.objects.map((object) => object.key)).toEqual(keys.filter((one) => one.startsWith(prefix)));
        }
        for (const limit of [1, 3, 9, 10, 11]) {
          const paged: RemoteKey[] = [];
          for (let more = true; more;) {
            const after = paged.at(-1);
            const page = await objects.list('', after === undefined ? { limit } : { after, limit }, noAbort);
            expect(page.objects.length).toBeLessThanOrEqual(limit);
            paged.push(...page.objects.map((object) => object.key));
            ({ more } = page);
          }
          expect(paged).toEqual(keys);
        }
        const behind = await objects.list('a/', { after: key('a/b/c'), limit: 5 }, noAbort);
        expect(behind.objects.map((object) => object.key)).toEqual(['a/b0', 'a/c']);
      }));

    test('a removed object is gone for all clients, and can be stored again', () =>
      use(async (objects, another) => {
        await objects.put(key('a/b'), sourceOf(text('x')), noAbort);
        await objects.remove(key('a/b'), noAbort);
        await objects.remove(key('a/b'), noAbort);
        await using other = await another();
        expect(await other.objects.stat(key('a/b'), noAbort)).toBeUndefined();
        expect(await objects.get(key('a/b'), {}, noAbort)).toBeUndefined();
        expect((await objects.list('', {}, noAbort)).objects).toEqual([]);
        expect(await objects.put(key('a/b'), sourceOf(text('new')), noAbort)).toEqual({ kind: 'stored' });
        expect(await objects.stat(key('a/b'), noAbort)).toMatchObject({ sizeBytes: 3 });
      }));

    test('a sweep removes nothing that is in use', () =>
      use(async (objects) => {
        let swept: number | undefined;
        const source = sourceOf(noise(limits.remotePartBytes + 2_000_000));
        const slow: ObjectSource = {
          ...source,
          async *read() {
            for await (const piece of source.read()) {
              yield piece;
              swept ??= await objects.sweep(noAbort);
            }
          },
        };
        expect(await objects.put(key('a'), slow, noAbort)).toEqual({ kind: 'stored' });
        expect(swept).toBe(0);
        expect(await objects.stat(key('a'), noAbort)).toMatchObject({ sizeBytes: source.sizeBytes });
      }));

    test('an aborted call does nothing', () =>
      use(async (objects) => {
        const { signal } = abortedNow();
        const calls = [
          () => objects.put(key('a'), sourceOf(text('x')), signal),
          () => objects.get(key('a'), {}, signal),
          () => objects.stat(key('a'), signal),
          () => objects.list('', {}, signal),
          () => objects.remove(key('a'), signal),
          () => objects.sweep(signal),
        ];
        for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'E_ABORTED' });
        expect(await objects.stat(key('a'), noAbort)).toBeUndefined();
      }));

    test('a download that is aborted halfway ends', () =>
      use(async (objects) => {
        await objects.put(key('a'), sourceOf(noise(6_000_000)), noAbort);
        const abort = new AbortController();
        const read = async () => {
          for await (const _piece of (await objects.get(key('a'), {}, abort.signal))?.data ?? []) abort.abort();
        };
        await expect(read()).rejects.toMatchObject({ code: 'E_ABORTED' });
      }));

    test('an upload that is aborted halfway leaves nothing visible', () =>
      use(async (objects) => {
        const abort = new AbortController();
        const source = sourceOf(noise(limits.remotePartBytes + 3_000_000));
        const stopping: ObjectSource = {
          ...source,
          async *read() {
            let sentBytes = 0;
            for await (const piece of source.read()) {
              yield piece;
              sentBytes += piece.length;
              if (sentBytes > limits.remotePartBytes + 100_000) abort.abort();
            }
          },
        };
        await expect(objects.put(key('a'), stopping, abort.signal)).rejects.toMatchObject({ code: 'E_ABORTED' });
        expect(await objects.stat(key('a'), noAbort)).toBeUndefined();
        expect(await objects.put(key('a'), source, noAbort)).toEqual({ kind: 'stored' });
      }));
  });
}

function abortedNow(): AbortController {
  const abort = new AbortController();
  abort.abort();
  return abort;
}
