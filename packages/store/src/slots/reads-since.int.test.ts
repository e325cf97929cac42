import * as fs from 'node:fs';
import type { AttachedVolume, AttachRequest, CollectedChanges } from '@cachelane/core';
import { attachRequest } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openCloneMounter } from '../kept/clone-mounter.ts';
import { createKeptHome, runScript, type KeptHome } from '../kept/kept-home.fixture.ts';
import { dirOf, layerOf, noAbort, save } from '../kept/kept-runs.fixture.ts';
import { openLiveMounter } from '../kept/live-mounter.ts';

const looks = { looks: true } as const;
const once = { looks: true, kept: null } as const;
const script = 'mkdir d; echo a > a; echo b > d/b; echo c > c; touch -d 2020-01-01 a d/b';

async function attachLooking(home: KeptHome, given: Partial<AttachRequest>): Promise<AttachedVolume> {
  const view = given.view ?? [await layerOf(home, script)];
  return await home.mounter.attach(attachRequest(home, { ...given, view, reach: 'setting' }), noAbort);
}

async function collected(volume: AttachedVolume): Promise<CollectedChanges> {
  const found = await volume.collect(noAbort, { inUse: false, wanted: true });
  return found.kind === 'changes' ? found : expect.fail(`it is ${found.kind}`);
}

async function usedBy(volume: AttachedVolume): Promise<readonly string[] | null> {
  const { used } = await collected(volume);
  await volume.release(noAbort);
  return used?.map(({ path }) => path).toSorted() ?? null;
}

describe('reads of a run', () => {
  test.each([
    ['made for it', once],
    ['that is kept', looks],
  ])('are reported for a directory %s, for each run', async (_, given) => {
    await using home = await createKeptHome(openCloneMounter);
    const first = await attachLooking(home, { ...given, view: [] });
    runScript(first, script);
    const view = [await save(home, first)];
    for (const used of [['d/b'], ['a', 'd/b'], [], ['d/b']]) {
      const volume = await attachLooking(home, { ...given, view });
      runScript(volume, `cat ${used.join(' ')} /dev/null > /dev/null; ls -lR > /dev/null; echo C > c`);
      expect(await usedBy(volume)).toEqual(used);
    }
    const last = await attachLooking(home, { ...given, view });
    expect((await collected(last)).changes.changes).toEqual([]);
    await last.release(noAbort);
  });

  test('are reported for a file that is edited before the run ends, and the edit is found too', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const first = await attachLooking(home, { ...looks, view: [] });
    runScript(first, script);
    const view = [await save(home, first)];
    const volume = await attachLooking(home, { ...looks, view });
    runScript(volume, 'cat d/b > /dev/null');
    const found = await collected(volume);
    expect(found.used?.map(({ path }) => path)).toEqual(['d/b']);
    fs.writeFileSync(`${dirOf(volume)}/d/b`, 'B\n');
    found.saved();
    await volume.release(noAbort);
    const next = await attachLooking(home, { ...looks, view });
    expect((await collected(next)).changes.changes.map(({ path }) => path)).toEqual(['d/b']);
    await next.release(noAbort);
  });

  test('are not reported without a request', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const volume = await attachLooking(home, {});
    runScript(volume, 'cat d/b > /dev/null');
    expect(await usedBy(volume)).toBe(null);
  });

  test('include files of a reused directory that may have been read again: read within a day, and saved before that', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const view = [await layerOf(home, script)];
    const first = await home.mounter.attach(attachRequest(home, { view }), noAbort);
    await collected(first);
    await first.release(noAbort);
    const volume = await home.mounter.attach(attachRequest(home, { view, ...looks }), noAbort);
    // Change times cannot be set. Files created within the last day do not count as read.
    const hourAgo = Date.now() / 1000 - 3600;
    fs.utimesSync(`${dirOf(volume)}/a`, hourAgo, fs.statSync(`${dirOf(volume)}/a`).mtimeMs / 1000);
    expect(dirOf(volume)).toBe(dirOf(first));
    expect(await usedBy(volume)).toEqual([]);
  });

  test('are changes of files with times in the far future, for a tool that records uses', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const view = [await layerOf(home, 'echo a > a; echo b > b; touch -d 2200-01-01T00:00:00Z a b')];
    const volume = await home.mounter.attach(attachRequest(home, { view, ...once }), noAbort);
    const ageMs = (name: string): number => Date.now() - fs.statSync(`${dirOf(volume)}/${name}`).mtimeMs;
    expect(ageMs('a')).toBeGreaterThan(3_600_000);
    expect(ageMs('a')).toBeLessThan(86_400_000);
    runScript(volume, 'touch a');
    expect((await collected(volume)).changes.changes.map(({ path }) => path)).toEqual(['a']);
    await volume.release(noAbort);
  });

  test('include linked files in a shared directory', async () => {
    await using home = await createKeptHome(openLiveMounter);
    const volume = await attachLooking(home, looks);
    fs.linkSync(`${dirOf(volume)}/a`, `${home.targets}/linked`);
    runScript(volume, 'cat d/b > /dev/null');
    expect(await usedBy(volume)).toEqual(['a', 'd/b']);
  });
});
