import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { digestOf } from '@cachelane/core';
import { compiledSources, noAbort, requireCommands } from '@cachelane/testkit';
import { bytesFrom } from './transfer-bytes.fixture.ts';
import { createTransferHome, namesBelow, type TransferHome } from './transfer-home.fixture.ts';

const script = fileURLToPath(new URL('./transfer-process.fixture.ts', import.meta.url));
const object = digestOf('an object');
const muchLaterMs = Number.MAX_SAFE_INTEGER;

interface Victim {
  readonly argv: readonly string[];
  /** Kill it after this many lines of output. */
  readonly lines: number;
}

/** Returns the last number that the process printed. */
async function killed({ argv, lines }: Victim): Promise<number> {
  const child = spawn(process.execPath, [script, ...argv], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...compiledSources },
  });
  const closed = once(child, 'close');
  let [said, last] = [0, 0];
  for await (const line of createInterface({ input: child.stdout })) {
    last = Number(line);
    if (++said === lines) child.kill('SIGKILL');
  }
  expect(await closed).toEqual([null, 'SIGKILL']);
  return last;
}

/** Checks that the file is a prefix of the object. Returns its length. */
async function foundBytes(home: TransferHome): Promise<number> {
  await using download = await home.open().resume(object, noAbort);
  let position = 0;
  for await (const piece of download.read()) {
    expect(Buffer.compare(piece, bytesFrom(position, piece.length))).toBe(0);
    position += piece.length;
  }
  expect(position).toBe(download.haveBytes);
  return position;
}

describe('kill -9', () => {
  test('during a download keeps the appended bytes, and the next one continues after them', async () => {
    await using home = await createTransferHome();
    const pieces = [1_000_003, 7, 4_194_304, 65_536];
    for (const [round, pieceBytes] of pieces.entries()) {
      const argv = ['append', home.dir, String(pieceBytes), object];
      const appended = await killed({ argv, lines: 1 + ((round * 5) % 7) });
      const found = await foundBytes(home);
      expect(found).toBeGreaterThanOrEqual(appended);
      // May include a part of the current piece.
      expect(found).toBeLessThanOrEqual(appended + pieceBytes);
    }
  });

  test('of some writers of the same file leaves no gap', async () => {
    await using home = await createTransferHome();
    const pieces = [1_000_003, 300_007, 65_536, 2_000_000];
    for (let round = 0; round < 3; round++) {
      const appended = await Promise.all(
        pieces.map((pieceBytes, i) =>
          killed({ argv: ['append', home.dir, String(pieceBytes), object], lines: 1 + i + round }),
        ),
      );
      expect(await foundBytes(home)).toBeGreaterThanOrEqual(Math.max(...appended));
    }
  });

  test('during spooling leaves nothing, without a sweep', async () => {
    await using home = await createTransferHome();
    for (const lines of [1, 2, 5, 20]) {
      // From the second piece on, the data is in a file.
      const given = await killed({ argv: ['spool', home.dir, '1500000'], lines });
      expect(given).toBeGreaterThanOrEqual((lines - 1) * 1_500_000);
      expect(home.leftovers()).toEqual([]);
    }
    expect(namesBelow(home.dir)).toEqual(['outgoing']);
    expect(await home.open().sweep(muchLaterMs, noAbort)).toEqual([]);
  });
});

/** Runs until it fails, with the mounts in place. Returns its output. */
function untilError(mounts: readonly string[], argv: readonly string[]): readonly string[] {
  const [bwrap, ...chain] = ['bwrap', '--dev-bind', '/', '/', ...mounts, '--', process.execPath, script, ...argv];
  return execFileSync(bwrap, chain, { encoding: 'utf8' }).trim().split('\n');
}

requireCommands('bwrap')('a disk that refuses writes', () => {
  test('that is full is E_DISK_FULL for a download and for spooling', async () => {
    await using home = await createTransferHome();
    const small = ['--size', String(8 << 20), '--tmpfs', home.dir];
    const appended = untilError(small, ['append', home.dir, '1000003', object]);
    expect(appended.at(-1)).toBe('E_DISK_FULL');
    expect(Number(appended.at(-2))).toBeGreaterThan(6_000_000);
    const given = untilError(small, ['spool', home.dir, '1000003']);
    expect(given.at(-1)).toBe('E_DISK_FULL');
    expect(Number(given.at(-2))).toBeGreaterThan(6_000_000);
  });

  test('that is read-only is E_HOME_UNUSABLE', async () => {
    await using home = await createTransferHome();
    fs.mkdirSync(`${home.dir}/incoming`);
    const mounts = ['--ro-bind', home.dir, home.dir];
    expect(untilError(mounts, ['append', home.dir, '10', object])).toEqual(['E_HOME_UNUSABLE']);
    expect(untilError(mounts, ['spool', home.dir, '1000003']).at(-1)).toBe('E_HOME_UNUSABLE');
  });
});
