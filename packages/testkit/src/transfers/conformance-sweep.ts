import { describe, expect, test } from 'vitest';
import { digestOf, limits } from '@cachelane/core';
import { noAbort } from '../metadata/metadata-builders.ts';
import { noise } from '../remotes/remote-builders.ts';
import { allOf, inPieces } from './transfer-bytes.ts';
import type { TransferFilesFactory } from './transfer-files-fixture.ts';

const bytes = noise(2_500_000);
const object = digestOf(bytes);
const dayMs = limits.partialDownloadMs;
const muchLaterMs = Number.MAX_SAFE_INTEGER;

export function sweepConformance(create: TransferFilesFactory): void {
  describe('a sweep', () => {
    test('finds nothing in an empty home', async () => {
      await using fixture = await create();
      expect(await fixture.open().sweep(muchLaterMs, noAbort)).toEqual([]);
    });

    test('removes downloads that were idle for a day, and reports them', async () => {
      await using fixture = await create();
      const objects = [object, digestOf('another')] as const;
      for (const each of objects) {
        await using download = await fixture.open().resume(each, noAbort);
        await download.append(bytes.subarray(0, 10));
      }
      const sinceMs = 1_700_000_000_000;
      fixture.age(objects[0], sinceMs);
      fixture.age(objects[1], sinceMs + 1000);
      const files = fixture.open();
      expect(await files.sweep(sinceMs + dayMs, noAbort)).toEqual([]);
      expect(await files.sweep(sinceMs + dayMs + 500, noAbort)).toEqual([expect.stringContaining(objects[0])]);
      await using gone = await files.resume(objects[0], noAbort);
      await using there = await files.resume(objects[1], noAbort);
      expect([gone.haveBytes, there.haveBytes]).toEqual([0, 10]);
    });

    test('leaves an old download that was continued', async () => {
      await using fixture = await create();
      await using download = await fixture.open().resume(object, noAbort);
      await download.append(bytes.subarray(0, 10));
      const sinceMs = 1_700_000_000_000;
      fixture.age(object, sinceMs);
      await download.append(bytes.subarray(10, 20));
      expect(await fixture.open().sweep(sinceMs + 2 * dayMs, noAbort)).toEqual([]);
      await using next = await fixture.open().resume(object, noAbort);
      expect(next.haveBytes).toBe(20);
    });

    test('removes no files of a running process, however slow', async () => {
      await using fixture = await create();
      await using spooled = await fixture.open().spool(inPieces(bytes, 500_000), noAbort);
      await using download = await fixture.open().resume(object, noAbort);
      await download.append(bytes.subarray(0, 1000));
      await using behind = await fixture.open().resume(object, noAbort);
      const reading = spooled.read()[Symbol.asyncIterator]();
      const first: unknown = (await reading.next()).value;
      await fixture.open().sweep(muchLaterMs, noAbort);
      await download.append(bytes.subarray(1000, 2000));
      expect((await allOf(behind.read())).equals(bytes.subarray(0, 1000))).toBe(true);
      const rest = await allOf({ [Symbol.asyncIterator]: () => reading });
      expect(Buffer.concat([first as Uint8Array, rest]).equals(bytes)).toBe(true);
      expect((await allOf(spooled.read())).equals(bytes)).toBe(true);
    });

    test('during spooling keeps its files, and removes those of dead processes', async () => {
      await using fixture = await create();
      const swept = async function* (): AsyncGenerator<Uint8Array> {
        for await (const piece of inPieces(bytes, 400_000)) {
          yield piece;
          await fixture.open().sweep(muchLaterMs, noAbort);
        }
      };
      // The process dies without disposing of it.
      const spooled = await fixture.open().spool(swept(), noAbort);
      expect((await allOf(spooled.read())).equals(bytes)).toBe(true);
      await fixture.open().sweep(muchLaterMs, noAbort);
      expect(fixture.leftovers()).toEqual([]);
      await spooled[Symbol.asyncDispose]();
    });

    test('throws at an abort', async () => {
      await using fixture = await create();
      await expect(fixture.open().sweep(0, AbortSignal.abort())).rejects.toMatchObject({ code: 'E_ABORTED' });
    });
  });
}
