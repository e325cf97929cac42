import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseRemoteKey, type Remote } from '@cachelane/core';
import {
  addWords,
  contentOf,
  countingAttempts,
  dyingProcess,
  noAbort,
  noise,
  SimulatedCrash,
  sourceOf,
  wordsOf,
  type DeathPoint,
} from '@cachelane/testkit';
import { filesBelow, scratchDir, systemRandom } from '../remote-world.fixture.ts';
import { realDirFiles } from './dir-files.ts';
import { openDirRemote } from './dir-remote.ts';

const object = parseRemoteKey('layers/ab/data');
const head = parseRemoteKey('volumes/npm');
const source = sourceOf(noise(200_000));

/** Pushes an object, then a head that names it, then a second word, so that the head is created and moved. */
async function push(remote: Remote, words: readonly string[], seed: number): Promise<void> {
  await remote.objects.put(object, source, noAbort);
  await addWords(remote.heads, { key: head, words, attempt: countingAttempts(seed) });
}

/** A head whose newest state was emptied by a crash. */
async function tornHead(dir: string): Promise<void> {
  await push(openDirRemote({ path: dir, random: systemRandom }), ['a', 'b'], 1);
  writeFileSync(join(dir, 'heads', `${head}@`, '2'), '');
}

async function mend({ heads }: Remote, seed: number): Promise<void> {
  await heads.removeDamaged({ key: head, attempt: countingAttempts(seed)() }, noAbort);
}

function pointsOf(operations: readonly string[]): readonly DeathPoint[] {
  return operations.flatMap((_, index): readonly DeathPoint[] => [
    { operation: index + 1, when: 'before' },
    { operation: index + 1, when: 'during' },
    { operation: index + 1, when: 'after' },
  ]);
}

const operationsOf = async (): Promise<readonly string[]> => {
  using dir = scratchDir();
  const counting = dyingProcess({ operation: 0, when: 'before' });
  await push(
    openDirRemote({ path: dir.path, random: systemRandom, files: counting.wrap(realDirFiles) }),
    ['a', 'b'],
    1,
  );
  return counting.operations;
};

describe('a process that dies in a directory', () => {
  test('at any step leaves whole objects and the old or the new head, and the next process continues', async () => {
    const operations = await operationsOf();
    expect(operations).toContain('link');
    const points = pointsOf(operations);
    expect(points.length).toBeGreaterThanOrEqual(40);
    for (const point of points) {
      using dir = scratchDir();
      const dying = dyingProcess(point);
      const victim = openDirRemote({ path: dir.path, random: systemRandom, files: dying.wrap(realDirFiles) });
      await expect(push(victim, ['a', 'b'], 1), `${point.when} ${point.operation}`).rejects.toBeInstanceOf(
        SimulatedCrash,
      );

      const next = openDirRemote({ path: dir.path, random: systemRandom });
      const words = wordsOf((await next.heads.read(head, noAbort))?.bytes);
      expect([[], ['a'], ['a', 'b']]).toContainEqual(words);
      const found = await next.objects.get(object, { expect: source }, noAbort);
      if (words.length > 0) expect(found).toBeDefined();
      if (found !== undefined) expect(await contentOf(found)).toHaveLength(source.sizeBytes);
      const listed = await next.objects.list('', {}, noAbort);
      expect(listed.objects.map(({ key }) => key)).toEqual(found === undefined ? [] : [object]);

      await push(next, ['a', 'b', 'c'], 2);
      expect(wordsOf((await next.heads.read(head, noAbort))?.bytes)).toEqual(['a', 'b', 'c']);
      expect((await next.heads.list('', {}, noAbort)).keys).toEqual([head]);
      // It leaves at most the one file that it was about to link.
      const known = /^(objects\/layers\/ab\/data|heads\/volumes\/npm@\/[0-9]{1,3})$/;
      expect(filesBelow(dir.path).filter((file) => !known.test(file)).length).toBeLessThanOrEqual(1);
    }
  });

  test('at any step of removing a damaged head leaves it damaged or gone, and no old state returns', async () => {
    using counted = scratchDir();
    await tornHead(counted.path);
    const counting = dyingProcess({ operation: 0, when: 'before' });
    await mend(openDirRemote({ path: counted.path, random: systemRandom, files: counting.wrap(realDirFiles) }), 2);
    expect(counting.operations).toContain('link');
    for (const point of pointsOf(counting.operations)) {
      using dir = scratchDir();
      await tornHead(dir.path);
      const files = dyingProcess(point).wrap(realDirFiles);
      const victim = openDirRemote({ path: dir.path, random: systemRandom, files });
      await expect(mend(victim, 2), `${point.when} ${point.operation}`).rejects.toBeInstanceOf(SimulatedCrash);

      const next = openDirRemote({ path: dir.path, random: systemRandom });
      await mend(next, 3);
      expect(await next.heads.read(head, noAbort)).toBeUndefined();
      await push(next, ['c'], 4);
      expect(wordsOf((await next.heads.read(head, noAbort))?.bytes)).toEqual(['c']);
    }
  });
});
