import * as fs from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import {
  limits,
  newId,
  type AttachedVolume,
  type AttachRequest,
  type BytePath,
  type Collected,
  type CollectedChanges,
  type LaneName,
  type LayerId,
  type PinnedLink,
} from '@cachelane/core';
import { attachRequest } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { createKeptHome, runScript, type KeptHome } from './kept-home.fixture.ts';
import { openLiveMounter } from './live-mounter.ts';

// Runs that overlap continuously: finished work is collected while others continue.

const noAbort = new AbortController().signal;
const kept = { volume: newId('volume', new Uint8Array(16).fill(9)), key: 'nine', lane: 't1:local' as LaneName };
const isNeverSaved = (path: string): boolean => /^index\.db-(?:wal|shm)$/.test(path);

const linksOf = (...layers: readonly string[]): readonly PinnedLink[] => [
  {
    namespace: 'acme/app' as PinnedLink['namespace'],
    lane: kept.lane,
    generation: layers.length,
    layers: layers as readonly LayerId[],
  },
];

interface Run {
  readonly volume: AttachedVolume;
  readonly request: AttachRequest;
}

async function open(sharedSaveMs: number): Promise<KeptHome> {
  return await createKeptHome((options) => openLiveMounter({ ...options, sharedSaveMs }));
}

async function join(home: KeptHome, links = linksOf('seen')): Promise<Run> {
  const request = attachRequest(home, { kept, reach: 'setting', isNeverSaved, links });
  return { request, volume: await home.mounter.attach(request, noAbort) };
}

async function leave({ volume }: Run, wanted = true): Promise<Collected> {
  return await volume.collect(noAbort, { inUse: false, wanted });
}

async function leaveWithPart(run: Run): Promise<CollectedChanges> {
  const collected = await leave(run);
  if (collected.kind !== 'changes' || collected.part === null) throw new Error(`no part: ${collected.kind}`);
  return collected;
}

const pathsOf = ({ changes }: CollectedChanges): readonly string[] =>
  changes.changes.map(({ path }) => path).toSorted();

function dirOf({ volume: { mount } }: Run): string {
  if (mount.kind !== 'directory') throw new Error('this is not a directory');
  return mount.path;
}

/** Waits until earlier writes count as finished. */
const settle = async (): Promise<void> => await wait(limits.finishedAfterMs + 100);

test('finished work is collected while others continue, and is not collected again', async () => {
  await using home = await open(0);
  const [one, two, three] = [await join(home), await join(home), await join(home)];
  runScript(one.volume, 'mkdir d; echo 1 > d/one; echo 2 > two');
  await settle();
  const part = await leaveWithPart(one);
  expect(pathsOf(part)).toEqual(['d', 'd/one', 'two']);
  expect(part.part?.others).toBe(2);
  expect(part.links).toEqual(linksOf('seen'));
  expect(new Set(part.alsoOf)).toEqual(new Set([two.request.run, three.request.run]));
  part.saved({
    links: linksOf('part', 'seen'),
    taken: new Set(['d', 'd/one', 'two'] as readonly string[] as readonly BytePath[]),
    isAll: true,
  });
  await one.volume.release(noAbort);

  const four = await join(home, linksOf('newer'));
  expect(four.volume.links).toEqual(linksOf('part', 'seen'));
  runScript(two.volume, 'echo 3 > d/three; echo changed > two');
  expect(await leaveWithPart(two).then(pathsOf)).toEqual([]);
  await two.volume.release(noAbort);
  // Nothing new is finished, so nothing counts as saved.
  await leaveWithPart(three);
  await three.volume.release(noAbort);
  const rest = await leave(four);
  expect(rest).toMatchObject({ kind: 'changes', part: null, links: linksOf('part', 'seen') });
  expect(pathsOf(rest as CollectedChanges)).toEqual(['d/three', 'two']);
  // Runs that ended before the last complete save are not named.
  expect(new Set((rest as CollectedChanges).alsoOf)).toEqual(new Set([two.request.run, three.request.run]));
  await four.volume.release(noAbort);
});

test('work that is not saved is collected again, also in new directories', async () => {
  await using home = await open(0);
  const [one, two] = [await join(home), await join(home)];
  runScript(one.volume, 'mkdir d; echo 1 > d/one; echo 2 > d/two');
  await settle();
  const part = await leaveWithPart(one);
  part.saved({
    links: linksOf('part', 'seen'),
    taken: new Set(['d', 'd/one'] as readonly string[] as readonly BytePath[]),
    isAll: false,
  });
  await one.volume.release(noAbort);
  const rest = (await leave(two)) as CollectedChanges;
  expect(pathsOf(rest)).toEqual(['d/two']);
  expect(rest.alsoOf).toEqual([one.request.run]);
  await two.volume.release(noAbort);
});

test('a file that is open for writing, or was just written, is not finished', async () => {
  await using home = await open(0);
  const [one, two] = [await join(home), await join(home)];
  const descriptor = fs.openSync(`${dirOf(two)}/open`, 'w');
  fs.writeSync(descriptor, 'half');
  runScript(one.volume, 'echo 1 > read-by-somebody');
  const reader = fs.openSync(`${dirOf(two)}/read-by-somebody`, 'r');
  await settle();
  runScript(one.volume, 'echo 1 > now');
  const part = await leaveWithPart(one);
  expect(pathsOf(part)).toEqual(['read-by-somebody']);
  const asFound = (path: string): boolean | undefined => part.part?.isAsFound(path as BytePath);
  expect(asFound('read-by-somebody')).toBe(true);
  runScript(two.volume, 'echo changed > read-by-somebody');
  expect(asFound('read-by-somebody')).toBe(false);
  part.saved({ links: part.links, taken: new Set(), isAll: true });
  await one.volume.release(noAbort);
  fs.closeSync(descriptor);
  fs.closeSync(reader);
  const rest = (await leave(two)) as CollectedChanges;
  expect(pathsOf(rest)).toEqual(['now', 'open', 'read-by-somebody']);
  expect(rest.alsoOf).toEqual([one.request.run]);
  await two.volume.release(noAbort);
});

test('a database is copied in one transaction while another process writes to it', async () => {
  await using home = await open(0);
  const [one, two] = [await join(home), await join(home)];
  using database = new DatabaseSync(`${dirOf(two)}/index.db`);
  database.exec('PRAGMA journal_mode = WAL; CREATE TABLE rows (name TEXT PRIMARY KEY); PRAGMA wal_checkpoint');
  database.exec("INSERT INTO rows VALUES ('in the log'); BEGIN; INSERT INTO rows VALUES ('open')");
  runScript(one.volume, 'cp index.db other.db');
  await settle();
  const part = await leaveWithPart(one);
  // Nothing says that the other database's log is not needed.
  expect(pathsOf(part)).toEqual(['index.db']);
  const copy = `${home.dir}/copy.db`;
  fs.writeFileSync(copy, part.changes.read('index.db' as BytePath));
  // Later writes to the database do not matter: the copy was read.
  const asRead = (path: string): boolean | undefined => part.part?.isReadAsFound(path as BytePath);
  runScript(two.volume, 'touch index.db');
  expect(part.part?.isAsFound('index.db' as BytePath)).toBe(false);
  expect(['index.db', 'other.db'].map(asRead)).toEqual([true, false]);
  using copied = new DatabaseSync(copy, { readOnly: true });
  expect(copied.prepare('SELECT name FROM rows').all()).toEqual([{ name: 'in the log' }]);
  part.saved({ links: part.links, taken: new Set(['index.db' as BytePath]), isAll: true });
  await one.volume.release(noAbort);
  database.exec('COMMIT');
  database.close();
  const rest = (await leave(two)) as CollectedChanges;
  expect(pathsOf(rest)).toEqual(['index.db', 'other.db']);
  await two.volume.release(noAbort);
});

test('nothing is collected too soon, or for a run that does not want a save', async () => {
  await using home = await open(limits.sharedSaveMs);
  const [one, two] = [await join(home), await join(home)];
  runScript(one.volume, 'echo 1 > one');
  expect(await leave(one)).toEqual({ kind: 'shared', others: 1, isWanted: true });
  await one.volume.release(noAbort);
  expect(await leave(two)).toMatchObject({ kind: 'changes', part: null });
  await two.volume.release(noAbort);

  await using soon = await open(0);
  const [three, four] = [await join(soon), await join(soon)];
  expect(await leave(three, false)).toEqual({ kind: 'shared', others: 1, isWanted: false });
  await three.volume.release(noAbort);
  await leave(four, false);
  await four.volume.release(noAbort);
});
