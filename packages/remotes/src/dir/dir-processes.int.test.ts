import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { limits, parseRemoteKey } from '@cachelane/core';
import { noAbort, wordsOf } from '@cachelane/testkit';
import { runWriter } from '../head-writers.fixture.ts';
import { scratchDir, systemRandom } from '../remote-world.fixture.ts';
import { openDirRemote } from './dir-remote.ts';

const key = parseRemoteKey('volumes/npm');

async function wordsIn(path: string): Promise<readonly string[]> {
  return wordsOf((await openDirRemote({ path, random: systemRandom }).heads.read(key, noAbort))?.bytes);
}

describe('processes that share a directory', () => {
  test('lose none of 100 swaps by 5 of them', async () => {
    using dir = scratchDir();
    const address = `dir:${dir.path}`;
    const runs = await Promise.all(
      Array.from({ length: 5 }, (_, writer) => runWriter({ address, name: `${writer}`, count: 20 })),
    );
    expect(runs.map(({ end }) => end)).toEqual(runs.map(() => [0, null]));
    const added = runs.flatMap((run) => run.added);
    expect(added).toHaveLength(100);
    expect((await wordsIn(dir.path)).toSorted()).toEqual(added.toSorted());
  });

  test('lose no acknowledged swap by kill -9, and do not block each other', async () => {
    using dir = scratchDir();
    const address = `dir:${dir.path}`;
    const said: string[] = [];
    for (let round = 0; round < 5; round++) {
      const runs = await Promise.all([
        runWriter({ address, name: `victim-${round}`, count: 0, lifetime: (round * 7) % 11 }),
        runWriter({ address, name: `other-${round}`, count: 0, lifetime: 3 + round }),
      ]);
      said.push(...runs.flatMap(({ added }) => added));
      const words = await wordsIn(dir.path);
      expect(new Set(words).size).toBe(words.length);
      expect(new Set(words).isSupersetOf(new Set(said))).toBe(true);
    }
    // Each victim may leave the one file that it was about to link.
    const files = readdirSync(join(dir.path, 'heads/volumes/npm@'));
    expect(files.length).toBeLessThanOrEqual(2 * limits.remoteHeadsKept + 10);
  });
});
