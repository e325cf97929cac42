import { describe, expect, test } from 'vitest';
import { digestOf, type PartialDownload } from '@cachelane/core';
import { noAbort } from '../metadata/metadata-builders.ts';
import { noise } from '../remotes/remote-builders.ts';
import { allOf, inPieces } from './transfer-bytes.ts';
import type { TransferFilesFactory } from './transfer-files-fixture.ts';

const bytes = noise(2_500_000);
const object = digestOf(bytes);

/** Appends the bytes from `from` to `end`. */
async function appendTo(download: PartialDownload, from: number, end: number): Promise<void> {
  for await (const piece of inPieces(bytes.subarray(from, end), 65_536)) await download.append(piece);
}

async function expectPrefix(download: PartialDownload, haveBytes: number): Promise<void> {
  expect(download.haveBytes).toBe(haveBytes);
  expect((await allOf(download.read())).equals(bytes.subarray(0, haveBytes))).toBe(true);
}

export function downloadConformance(create: TransferFilesFactory): void {
  describe('a download', () => {
    test('starts empty, and stays empty if nothing arrived', async () => {
      await using fixture = await create();
      for (let times = 0; times < 2; times++) {
        await using download = await fixture.open().resume(object, noAbort);
        await expectPrefix(download, 0);
      }
    });

    test.each(['closed', 'dead'])('continues exactly where an earlier one ended (%s)', async (end) => {
      await using fixture = await create();
      // A dead process closes nothing; the test closes its download at the end.
      await using later = new AsyncDisposableStack();
      let had = 0;
      for (const until of [1, 65_536, 65_537, 1_200_000, bytes.length]) {
        const download = await fixture.open().resume(object, noAbort);
        if (end === 'dead') later.use(download);
        await expectPrefix(download, had);
        await appendTo(download, had, until);
        // The download has the bytes from its start; the caller tracks later ones.
        await expectPrefix(download, had);
        if (end === 'closed') await download[Symbol.asyncDispose]();
        had = until;
      }
      await using complete = await fixture.open().resume(object, noAbort);
      await expectPrefix(complete, bytes.length);
    });

    test('accepts reused buffers and empty pieces', async () => {
      await using fixture = await create();
      const room = new Uint8Array(1000);
      await using download = await fixture.open().resume(object, noAbort);
      for await (const piece of inPieces(bytes.subarray(0, 10_000), room.length)) {
        room.set(piece);
        await download.append(room);
        room.fill(0);
        await download.append(new Uint8Array());
      }
      await using next = await fixture.open().resume(object, noAbort);
      await expectPrefix(next, 10_000);
    });

    test('does not mix with other downloads', async () => {
      await using fixture = await create();
      const files = fixture.open();
      await using other = await files.resume(digestOf('another'), noAbort);
      await other.append(Buffer.from('xyz'));
      await using download = await files.resume(object, noAbort);
      await appendTo(download, 0, 100);
      await using again = await files.resume(digestOf('another'), noAbort);
      expect(String(await allOf(again.read()))).toBe('xyz');
    });

    test('two processes can write one download without gaps', async () => {
      await using fixture = await create();
      await using first = await fixture.open().resume(object, noAbort);
      await appendTo(first, 0, 300_000);
      await using second = await fixture.open().resume(object, noAbort);
      await expectPrefix(second, 300_000);
      // The second one is faster; then the first one overtakes it.
      const steps = [
        [second, 300_000, 900_000],
        [first, 300_000, 500_000],
        [first, 500_000, 1_500_000],
        [second, 900_000, 1_000_000],
      ] as const;
      let longest = 300_000;
      for (const [download, from, end] of steps) {
        await appendTo(download, from, end);
        longest = Math.max(longest, end);
        await using next = await fixture.open().resume(object, noAbort);
        await expectPrefix(next, longest);
      }
      await Promise.all([appendTo(first, 1_500_000, bytes.length), appendTo(second, 1_000_000, bytes.length)]);
      await using complete = await fixture.open().resume(object, noAbort);
      await expectPrefix(complete, bytes.length);
    });

    test('a discarded download is gone, and a process that still writes it continues without harm', async () => {
      await using fixture = await create();
      await using first = await fixture.open().resume(object, noAbort);
      await appendTo(first, 0, 200_000);
      await using second = await fixture.open().resume(object, noAbort);
      await first.discard();
      expect(fixture.leftovers()).toEqual([]);
      await appendTo(second, 200_000, 400_000);
      await appendTo(first, 200_000, 300_000);
      await expectPrefix(second, 200_000);
      await using third = await fixture.open().resume(object, noAbort);
      await expectPrefix(third, 0);
      await appendTo(third, 0, 1000);
      // The old ones neither remove the new one nor write into it.
      await second.discard();
      await first.discard();
      await appendTo(second, 400_000, 500_000);
      await using fourth = await fixture.open().resume(object, noAbort);
      await expectPrefix(fourth, 1000);
      await third.discard();
      expect(fixture.leftovers()).toEqual([]);
    });

    test('an aborted download keeps what arrived, and can still be discarded', async () => {
      await using fixture = await create();
      const abort = new AbortController();
      await using download = await fixture.open().resume(object, abort.signal);
      await appendTo(download, 0, 1000);
      await using other = await fixture.open().resume(object, abort.signal);
      abort.abort();
      const aborted = { code: 'E_ABORTED' };
      await expect(download.append(bytes.subarray(1000, 2000))).rejects.toMatchObject(aborted);
      await expect(allOf(other.read())).rejects.toMatchObject(aborted);
      await expect(fixture.open().resume(object, abort.signal)).rejects.toMatchObject(aborted);
      await using next = await fixture.open().resume(object, noAbort);
      await expectPrefix(next, 1000);
      await download.discard();
      expect(fixture.leftovers()).toEqual([]);
    });

    test('a closed download cannot be continued', async () => {
      await using fixture = await create();
      const download = await fixture.open().resume(object, noAbort);
      await download[Symbol.asyncDispose]();
      await download[Symbol.asyncDispose]();
      await expect(download.append(bytes.subarray(0, 1))).rejects.toThrow();
      await expect(download.discard()).rejects.toThrow(/disposed/);
    });
  });
}
