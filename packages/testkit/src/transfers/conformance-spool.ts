import { describe, expect, test } from 'vitest';
import { digestOf, limits } from '@cachelane/core';
import { noAbort } from '../metadata/metadata-builders.ts';
import { noise } from '../remotes/remote-builders.ts';
import { allOf, inPieces } from './transfer-bytes.ts';
import type { TransferFilesFactory } from './transfer-files-fixture.ts';

const memory = limits.spooledInMemoryBytes;
const [small, large] = [1000, 3 * memory + 12_345];

export function spoolConformance(create: TransferFilesFactory): void {
  describe('what is spooled', () => {
    test.each([0, 1, small, memory - 1, memory, memory + 1, 2 * memory, large])(
      'can be read repeatedly, with its size and digest: %i bytes',
      async (sizeBytes) => {
        await using fixture = await create();
        const bytes = noise(sizeBytes);
        await using spooled = await fixture.open().spool(inPieces(bytes, 70_001), noAbort);
        expect(spooled).toMatchObject({ sizeBytes, digest: digestOf(bytes) });
        for (let times = 0; times < 2; times++) {
          expect((await allOf(spooled.read())).equals(bytes)).toBe(true);
        }
      },
    );

    test.each([small, large])('does not depend on the piece size: %i bytes', async (sizeBytes) => {
      await using fixture = await create();
      const bytes = noise(sizeBytes);
      for (const pieceBytes of [sizeBytes, 2 * memory, memory, 4096]) {
        await using spooled = await fixture.open().spool(inPieces(bytes, pieceBytes), noAbort);
        expect((await allOf(spooled.read())).equals(bytes)).toBe(true);
      }
    });

    test.each([small, large])("is a copy, also if the pieces' buffers are reused: %i bytes", async (sizeBytes) => {
      await using fixture = await create();
      const bytes = noise(sizeBytes);
      const reusing = async function* (): AsyncGenerator<Uint8Array> {
        const room = new Uint8Array(50_000);
        for await (const piece of inPieces(bytes, room.length)) {
          room.set(piece);
          yield room.subarray(0, piece.length);
        }
        room.fill(0);
      };
      await using spooled = await fixture.open().spool(reusing(), noAbort);
      expect((await allOf(spooled.read())).equals(bytes)).toBe(true);
    });

    test('can be read by several readers at once, also if one stops early', async () => {
      await using fixture = await create();
      const bytes = noise(large);
      await using spooled = await fixture.open().spool(inPieces(bytes, 300_000), noAbort);
      const early = async (): Promise<number> => {
        for await (const piece of spooled.read()) return piece.length;
        return 0;
      };
      const [one, two, first] = await Promise.all([allOf(spooled.read()), allOf(spooled.read()), early()]);
      expect([one.equals(bytes), two.equals(bytes)]).toEqual([true, true]);
      expect(first).toBeGreaterThan(0);
      expect((await allOf(spooled.read())).equals(bytes)).toBe(true);
    });

    test('does not mix with others, and leaves nothing', async () => {
      await using fixture = await create();
      const [one, two] = [fixture.open(), fixture.open()];
      const contents = Array.from({ length: 6 }, (_, seed) => noise(large, seed + 1));
      const spools = await Promise.all(
        contents.map((bytes, i) => (i % 2 === 0 ? one : two).spool(inPieces(bytes, 200_000), noAbort)),
      );
      for (const [i, spooled] of spools.entries()) {
        expect((await allOf(spooled.read())).equals(contents[i] ?? new Uint8Array())).toBe(true);
        await spooled[Symbol.asyncDispose]();
        await spooled[Symbol.asyncDispose]();
      }
      expect(fixture.leftovers()).toEqual([]);
    });
  });

  describe('spooling that fails leaves nothing', () => {
    test.each([small, large])('if the data throws, with its error: after %i bytes', async (sizeBytes) => {
      await using fixture = await create();
      // Like a system error, which must not count as an error of the local disk.
      const thrown = Object.assign(new Error('the line is dead'), { code: 'ENOSPC' });
      const failing = async function* (): AsyncGenerator<Uint8Array> {
        yield* inPieces(noise(sizeBytes), 100_000);
        throw thrown;
      };
      await expect(fixture.open().spool(failing(), noAbort)).rejects.toBe(thrown);
      expect(fixture.leftovers()).toEqual([]);
    });

    test.each([small, large])('at an abort, which ends the data: after %i bytes', async (sizeBytes) => {
      await using fixture = await create();
      const abort = new AbortController();
      let isEnded = false;
      const endless = async function* (): AsyncGenerator<Uint8Array> {
        try {
          for (let sent = 0; ; sent += 100_000) {
            if (sent >= sizeBytes) abort.abort();
            yield noise(100_000);
          }
        } finally {
          isEnded = true;
        }
      };
      await expect(fixture.open().spool(endless(), abort.signal)).rejects.toMatchObject({ code: 'E_ABORTED' });
      expect(isEnded).toBe(true);
      expect(fixture.leftovers()).toEqual([]);
    });

    test('at an abort before the start or at the very end', async () => {
      await using fixture = await create();
      const abort = new AbortController();
      const last = async function* (): AsyncGenerator<Uint8Array> {
        yield* inPieces(noise(small), small);
        abort.abort();
      };
      await expect(fixture.open().spool(last(), abort.signal)).rejects.toMatchObject({ code: 'E_ABORTED' });
      const again = fixture.open().spool(inPieces(noise(small), small), abort.signal);
      await expect(again).rejects.toMatchObject({ code: 'E_ABORTED' });
      expect(fixture.leftovers()).toEqual([]);
    });
  });
}
