import * as fs from 'node:fs';
import {
  newId,
  type AttachedVolume,
  type AttachRequest,
  type Collected,
  type LaneName,
  type StoredLayer,
} from '@cachelane/core';
import { attachRequest, mounterConformance, stageAll } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { lastingThreads } from '../filling/fill.fixture.ts';
import { createKeptHome, runScript, type KeptHome } from './kept-home.fixture.ts';
import { openLiveMounter } from './live-mounter.ts';

mounterConformance('live', async () => await createKeptHome(openLiveMounter), { randomRuns: 40, exact: false });

const fill = await lastingThreads();
mounterConformance(
  'live, by threads',
  async () => await createKeptHome((options) => openLiveMounter({ ...options, fill })),
  { randomRuns: 20, exact: false },
);

const noAbort = new AbortController().signal;
const kept = { volume: newId('volume', new Uint8Array(16).fill(9)), key: 'nine', lane: 't1:local' as LaneName };

const isNeverSaved = (path: string): boolean => path.startsWith('projects/');

/** Starts a run of the one volume of these tests. */
async function join(home: KeptHome, given: Partial<AttachRequest> = {}): Promise<Run> {
  const request = attachRequest(home, { kept, reach: 'setting', ...given });
  const volume = await home.mounter.attach(request, noAbort);
  return { volume, request };
}

interface Run {
  readonly volume: AttachedVolume;
  readonly request: AttachRequest;
}

async function leave({ volume }: Run, wanted = true): Promise<Collected> {
  return await volume.collect(noAbort, { inUse: false, wanted });
}

/** Ends the last run and saves its work. */
async function saveAll(home: KeptHome, run: Run): Promise<StoredLayer> {
  const collected = await leave(run);
  if (collected.kind !== 'changes') throw new Error(`not the last run: ${collected.kind}`);
  const { changes } = collected;
  const entries = stageAll(changes, { run: run.request.run });
  const staged = await home.layers.stage({ changes, entries, sealedAtMs: 1 }, noAbort);
  await home.layers.publish(staged, noAbort);
  collected.saved();
  await run.volume.release(noAbort);
  return await home.layers.open(staged.id, noAbort);
}

const paths = (collected: Collected): readonly string[] =>
  collected.kind === 'changes' ? collected.changes.changes.map(({ path }) => path as string).toSorted() : [];

describe('one directory for all runs', () => {
  test('is shared by them, and the last to end collects all their changes', async () => {
    await using home = await createKeptHome(openLiveMounter);
    const [one, two, three] = [await join(home), await join(home), await join(home)];
    expect(new Set([one, two, three].map(({ volume }) => JSON.stringify(volume.mount.kind))).size).toBe(1);
    runScript(one.volume, 'echo 1 > one');
    runScript(two.volume, 'cat one; echo 2 > two');
    expect(await leave(one)).toEqual({ kind: 'shared', others: 2, isWanted: true });
    await one.volume.release(noAbort);
    expect(await leave(three, false)).toEqual({ kind: 'shared', others: 1, isWanted: true });
    await three.volume.release(noAbort);
    const collected = await leave(two);
    expect(paths(collected)).toEqual(['one', 'two']);
    // Includes the third run, whose changes are there even if it wants no save.
    expect(collected).toMatchObject({ alsoOf: [one.request.run, three.request.run] });
    await two.volume.release(noAbort);
  });

  test('with work that no ended run wants saved is left to the others', async () => {
    await using home = await createKeptHome(openLiveMounter);
    const [one, two] = [await join(home), await join(home)];
    runScript(one.volume, 'echo 1 > one');
    expect(await leave(one, false)).toEqual({ kind: 'shared', others: 1, isWanted: false });
    await one.volume.release(noAbort);
    expect(paths(await leave(two))).toEqual(['one']);
    await two.volume.release(noAbort);
  });

  test('with unwanted work is not saved, and shows the view again', async () => {
    await using home = await createKeptHome(openLiveMounter);
    const first = await join(home);
    runScript(first.volume, 'echo good > good');
    const layer = await saveAll(home, first);
    const second = await join(home, { view: [layer] });
    runScript(second.volume, 'echo bad > good; echo bad > bad');
    expect(await leave(second, false)).toEqual({ kind: 'unwanted' });
    await second.volume.release(noAbort);
    const third = await join(home, { view: [layer] });
    expect(runScript(third.volume, 'cat *').toString()).toBe('good\n');
    await third.volume.release(noAbort);
  });

  // Edits through another name of the file, like a project's node_modules.
  test.each([
    // A record of 688362 ns is closer to the next microsecond.
    ['is found if its recorded time is rounded differently', 'touch -d 2026-11-25T20:41:29.075688362Z f', []],
    ['is repaired if the view has another mode', ':', ['chmod 0400 f']],
    ['is repaired if the view has another time', ':', ['touch -d 2026-11-01 f']],
  ])('an edit between two runs %s', async (_how, first, later) => {
    await using home = await createKeptHome(openLiveMounter);
    const outside = `${home.targets}/outside`;
    const one = await join(home);
    runScript(one.volume, `echo good > f; ln f ${outside}; ${first}`);
    const view = [await saveAll(home, one)];
    for (const script of later) {
      const elsewhere = await join(home, { view, kept: { ...kept, key: 'elsewhere' } });
      runScript(elsewhere.volume, script);
      view.unshift(await saveAll(home, elsewhere));
    }
    fs.writeFileSync(outside, 'edited');
    const two = await join(home, { view });
    const found = paths(await leave(two));
    expect(found).toEqual(later.length === 0 ? ['f'] : []);
    await two.volume.release(noAbort);
    const three = await join(home, { view });
    if (later.length > 0) expect(runScript(three.volume, 'cat f').toString()).toBe('good\n');
    await three.volume.release(noAbort);
    expect(fs.readFileSync(outside, 'utf8')).toBe('edited');
  });

  test('with unsaved work passes it to the next run, whichever run died', async () => {
    await using home = await createKeptHome(openLiveMounter);
    const [one, two] = [await join(home), await join(home)];
    runScript(one.volume, 'echo 1 > one');
    await leave(one);
    await one.volume.release(noAbort);
    // Like the next start does for a killed session.
    await home.mounter.discardSession(two.request.sessionId, noAbort);
    const three = await join(home);
    const collected = await leave(three);
    expect(paths(collected)).toEqual(['one']);
    expect(collected).toMatchObject({ alsoOf: [one.request.run, two.request.run] });
    await three.volume.release(noAbort);
    // The work was collected but never saved: a failed save loses nothing.
    const four = await join(home);
    expect(paths(await leave(four))).toEqual(['one']);
    await four.volume.release(noAbort);
  });

  test('is updated without touching unchanged files, and files are replaced in one step', async () => {
    await using home = await createKeptHome(openLiveMounter);
    const first = await join(home);
    runScript(first.volume, 'mkdir d; echo same > d/same; echo old > d/other; ln d/same d/link');
    const base = await saveAll(home, first);
    const project = `${home.targets}/linked`;
    const dir = dirOf(first.volume);
    fs.linkSync(`${dir}/d/same`, project);
    const overlaid = await join(home, { view: [base], kept: { ...kept, lane: 't1:ref:other' as LaneName } });
    runScript(overlaid.volume, 'echo new > d/other');
    const top = await saveAll(home, overlaid);
    const before = fs.statSync(`${dir}/d/same`).ino;
    const other = fs.statSync(`${dir}/d/other`).ino;
    const second = await join(home, { view: [top, base] });
    expect(runScript(second.volume, 'cat d/other').toString()).toBe('new\n');
    expect(fs.statSync(`${dir}/d/same`).ino).toBe(before);
    expect(fs.statSync(project).ino).toBe(before);
    expect(fs.statSync(`${dir}/d/other`).ino).not.toBe(other);
    // New and removed links are not changes.
    fs.linkSync(`${dir}/d/other`, `${project}-2`);
    fs.rmSync(project);
    expect(paths(await leave(second))).toEqual([]);
    await second.volume.release(noAbort);
  });
});

test.each(['the directory', 'all kept directories'])(
  'of live runs, removed by others with %s, costs only their work',
  async (what) => {
    await using home = await createKeptHome(openLiveMounter);
    const first = await join(home);
    runScript(first.volume, 'echo good > good');
    const layer = await saveAll(home, first);
    const [one, two] = [await join(home, { view: [layer] }), await join(home, { view: [layer] })];
    fs.rmSync(what === 'the directory' ? dirOf(one.volume) : `${home.dir}/kept`, { recursive: true });
    const gone = {
      code: 'E_NOT_FOUND',
      message: `the directory of the volume is gone: something removed ${dirOf(one.volume)}`,
    };
    if (what === 'the directory') await expect(join(home, { view: [layer] })).rejects.toMatchObject(gone);
    for (const run of [one, two]) {
      await expect(leave(run)).rejects.toMatchObject(gone);
      await run.volume.release(noAbort);
    }
    const next = await join(home, { view: [layer] });
    expect(runScript(next.volume, 'cat *').toString()).toBe('good\n');
    expect(paths(await leave(next))).toEqual([]);
    await next.volume.release(noAbort);
  },
);

describe('work that cannot be read', () => {
  // Too deep for a path.
  const tooDeep = `python3 -c 'import os
for _ in range(25): os.mkdir("n" * 200); os.chdir("n" * 200)'`;

  test('is abandoned, and the next run saves its own', async () => {
    await using home = await createKeptHome(openLiveMounter);
    const one = await join(home);
    runScript(one.volume, `echo 1 > one; ${tooDeep}`);
    await expect(leave(one)).rejects.toThrow();
    await one.volume.release(noAbort);
    const two = await join(home);
    runScript(two.volume, 'echo 2 > two');
    expect(paths(await leave(two))).toEqual(['two']);
    await two.volume.release(noAbort);
  });

  test('without a table is everything that is there', async () => {
    await using home = await createKeptHome(openLiveMounter);
    const one = await join(home);
    runScript(one.volume, 'echo 1 > one');
    await leave(one);
    await one.volume.release(noAbort);
    fs.writeFileSync(`${dirOf(one.volume)}/../table`, '');
    const two = await join(home);
    expect(paths(await leave(two))).toEqual(['one']);
    await two.volume.release(noAbort);
  });
});

test('paths that are never saved stay in a shared directory, in a directory of their own', async () => {
  await using home = await createKeptHome(openLiveMounter);
  const first = await join(home, { isNeverSaved });
  runScript(first.volume, 'mkdir projects other; echo 1 > projects/one; echo 2 > other/two; echo f > f');
  expect(await leave(first, false)).toEqual({ kind: 'unwanted' });
  await first.volume.release(noAbort);
  const second = await join(home, { isNeverSaved });
  expect(runScript(second.volume, 'find . -type f').toString()).toBe('./projects/one\n');
  await second.volume.release(noAbort);
});

test('an unused directory is listed, and is deleted on request', async () => {
  await using home = await createKeptHome(openLiveMounter);
  const run = await join(home);
  expect(await home.mounter.listKept(noAbort)).toEqual([]);
  const dir = dirOf(run.volume);
  await leave(run, false);
  await run.volume.release(noAbort);
  const [listed, ...more] = await home.mounter.listKept(noAbort);
  expect(more).toEqual([]);
  expect(listed).toMatchObject({
    volume: kept.volume,
    lane: kept.lane,
    hasUnsaved: false,
    dir: dir.replace(/\/tree$/, ''),
  });
  const again = await join(home);
  await home.mounter.removeKept(listed === undefined ? [] : [listed], noAbort);
  expect(fs.existsSync(dir)).toBe(true);
  await leave(again, false);
  await again.volume.release(noAbort);
  await home.mounter.removeKept(listed === undefined ? [] : [listed], noAbort);
  expect(fs.existsSync(dir)).toBe(false);
});

describe('after a reboot', () => {
  test('unsaved work is discarded, and earlier users do not count', async () => {
    await using home = await createKeptHome(openLiveMounter);
    const [one, two] = [await join(home), await join(home)];
    runScript(one.volume, 'echo 1 > one');
    await leave(one);
    await one.volume.release(noAbort);
    expect(two.volume.mount.kind).toBe('directory');
    const rebooted = { ...home, mounter: openLiveMounter({ dir: home.dir, bootId: 'another boot' }) };
    const three = await join(rebooted);
    expect(runScript(three.volume, 'ls').toString()).toBe('');
    runScript(three.volume, 'echo 3 > three');
    const collected = await leave(three);
    expect(paths(collected)).toEqual(['three']);
    expect(collected).toMatchObject({ alsoOf: [] });
    await three.volume.release(noAbort);
    // Like the next start does: a power loss may also lose the session's record.
    expect(await rebooted.mounter.sessions(noAbort)).toEqual([two.request.sessionId]);
    await rebooted.mounter.discardSession(two.request.sessionId, noAbort);
    expect(await rebooted.mounter.sessions(noAbort)).toEqual([]);
  });
});

test('unsaved work is found by the name of its volume, and is listed as unsaved', async () => {
  await using home = await createKeptHome(openLiveMounter);
  const [one, two] = [await join(home), await join(home)];
  runScript(one.volume, 'echo 1 > one');
  await leave(one);
  await one.volume.release(noAbort);
  await home.mounter.discardSession(two.request.sessionId, noAbort);
  const [listed] = await home.mounter.listKept(noAbort);
  expect(listed).toMatchObject({ volume: kept.volume, hasUnsaved: true });
  // A volume without a head is deleted with its last session.
  const again = { ...kept, volume: newId('volume', new Uint8Array(16).fill(7)) };
  const three = await join(home, { kept: again });
  expect(paths(await leave(three))).toEqual(['one']);
  await three.volume.release(noAbort);
  expect(await home.mounter.listKept(noAbort)).toMatchObject([{ volume: again.volume }]);
});

function dirOf({ mount }: AttachedVolume): string {
  if (mount.kind !== 'directory') throw new Error('this is not a directory');
  return mount.path;
}
