import * as fs from 'node:fs';
import {
  isCachelaneError,
  limits,
  type BytePath,
  type IncomingLayer,
  type LayerId,
  type LayerStore,
} from '@cachelane/core';
import {
  contentEntry,
  dyingProcess,
  failingPort,
  madeEntry,
  removalEntry,
  SimulatedCrash,
  stageAll,
} from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { createLayerHome, fixedClock, runJob, type LayerHome } from '../home/layer-home.fixture.ts';
import { openLayerFiles } from '../home/layer-files.ts';
import type { StoreFiles } from '../files/store-files.ts';

// Invariant: whatever operation of the store is the last one of a process that takes in an image, or makes a tree of it, the store
// holds whole layers that can be read and extracted, and nothing else that lasts.

const noAbort = new AbortController().signal;
const sealedAtMs = 1_700_000_000_000;

interface Sent {
  readonly id: LayerId;
  readonly index: Uint8Array;
  readonly data: Buffer;
}

/** A layer with a bit of everything, in its wire form. */
async function packedLayer(): Promise<Sent> {
  await using home = await createLayerHome();
  const changes = home.changes([
    { kind: 'dir', path: 'd', mode: 0o555 },
    { kind: 'file', path: 'd/f', content: 'content', mode: 0o400 },
    { kind: 'symlink', path: 'd/link', target: 'f' },
    { kind: 'removed', path: 'gone' },
  ]);
  const entries = [
    ...stageAll(changes),
    contentEntry('lines', 'a line', { form: 'delta' }),
    madeEntry('anew', { removed: 'below' }),
    removalEntry('anew/gone', 'counted'),
  ];
  const store = home.open();
  const staged = await store.stage({ changes, entries, sealedAtMs }, noAbort);
  await store.publish(staged, noAbort);
  const { index, data } = await store.pack(staged.id, noAbort);
  const chunks: Uint8Array[] = [];
  for await (const chunk of data) chunks.push(Uint8Array.from(chunk));
  return { id: staged.id, index, data: Buffer.concat(chunks) };
}

const sent = await packedLayer();

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  yield bytes;
}

function incoming(): IncomingLayer {
  return { ...sent, data: once(sent.data), sealedAtMs };
}

const images = async (): Promise<boolean> => await Promise.resolve(true);

function openWith(home: LayerHome, files: StoreFiles, bootId = 'boot'): LayerStore {
  return openLayerFiles({ dir: home.dir, bootId, clock: fixedClock(0), images, files });
}

async function takeIn(home: LayerHome, files: StoreFiles = home.files): Promise<void> {
  const store = openWith(home, files);
  await store.publish(await store.unpack(incoming(), noAbort), noAbort);
}

async function extract(home: LayerHome, files: StoreFiles = home.files): Promise<void> {
  await openWith(home, files).extract(sent.id, noAbort);
}

type Act = (home: LayerHome, files?: StoreFiles) => Promise<void>;

async function operationsOf(act: Act, before: readonly Act[] = []): Promise<readonly string[]> {
  await using home = await createLayerHome({ images: true });
  for (const each of before) await each(home);
  const process = dyingProcess({ operation: 0, when: 'before' });
  await act(home, process.wrap(home.files));
  return process.operations;
}

/** What only cleans up does not let errors through: the caller of a dead process may not learn of its death. */
async function dying(call: Promise<unknown>): Promise<void> {
  await call.catch((error: unknown) => expect(error).toBeInstanceOf(SimulatedCrash));
}

/** Whatever form it has: it can be read, and becomes a tree with all that the layer says. */
async function expectWhole(home: LayerHome): Promise<void> {
  const store = openWith(home, home.files);
  expect(await store.verify(sent.id, noAbort)).toEqual({ key: sent.id, ok: true, problems: [] });
  const layer = await store.extract(sent.id, noAbort);
  expect(layer.image).toBeNull();
  expect(await store.verify(sent.id, noAbort)).toEqual({ key: sent.id, ok: true, problems: [] });
}

/** A later process finds what is left, and takes it away. */
async function expectSwept(home: LayerHome): Promise<void> {
  const store = openWith(home, home.files);
  await store.sweep(Number.MAX_SAFE_INTEGER - limits.sweepGraceMs, noAbort);
  for (const job of home.jobs) if (job.kind === 'remove') runJob(job);
  for (const dir of ['staging', 'trash']) {
    const path = `${home.dir}/${dir}`;
    expect(fs.existsSync(path) ? fs.readdirSync(path) : []).toEqual([]);
  }
}

const takingIn = await operationsOf(takeIn);
const extracting = await operationsOf(extract, [takeIn]);

function numbered(operations: readonly string[]): readonly { readonly operation: number; readonly name: string }[] {
  return operations.map((name, i) => ({ operation: i + 1, name }));
}

describe('a process that dies while it takes in an image', () => {
  test('had many occasions to', () => {
    expect(takingIn.length).toBeGreaterThan(12);
    expect(extracting.length).toBeGreaterThan(25);
  });

  test.each(numbered(takingIn))('at operation $operation, $name', async ({ operation }) => {
    await using home = await createLayerHome({ images: true });
    await dying(takeIn(home, dyingProcess({ operation, when: 'after' }).wrap(home.files)));
    if (await home.open().has(sent.id, noAbort)) await expectWhole(home);
    await takeIn(home);
    await expectWhole(home);
    await expectSwept(home);
  });
});

describe('a process that dies while it extracts one', () => {
  test.each(numbered(extracting))('at operation $operation, $name', async ({ operation }) => {
    await using home = await createLayerHome({ images: true });
    await takeIn(home);
    await dying(extract(home, dyingProcess({ operation, when: 'after' }).wrap(home.files)));
    const store = openWith(home, home.files);
    const layer = await store.open(sent.id, noAbort);
    expect(Buffer.from(layer.read('d/f' as BytePath)).toString()).toBe('content');
    await expectWhole(home);
    await expectSwept(home);
  });
});

describe('a disk that is full', () => {
  test.each(numbered(takingIn))('at operation $operation, $name, stops the taking in', async ({ operation }) => {
    await using home = await createLayerHome({ images: true });
    const { port } = failingPort(home.files, { operation, code: 'ENOSPC' });
    const error: unknown = await takeIn(home, port).catch((thrown: unknown) => thrown);
    // What only cleans up, or runs in the background, may fail without anybody minding.
    if (error !== undefined) expect(isCachelaneError(error, 'E_DISK_FULL'), JSON.stringify(error)).toBe(true);
    if (await home.open().has(sent.id, noAbort)) await expectWhole(home);
    await expectSwept(home);
  });

  test.each(numbered(extracting))('at operation $operation, $name, leaves the image', async ({ operation }) => {
    await using home = await createLayerHome({ images: true });
    await takeIn(home);
    const { port } = failingPort(home.files, { operation, code: 'ENOSPC' });
    const error: unknown = await extract(home, port).catch((thrown: unknown) => thrown);
    if (error !== undefined) expect(isCachelaneError(error, 'E_DISK_FULL'), JSON.stringify(error)).toBe(true);
    await expectWhole(home);
    await expectSwept(home);
  });
});

/** The tree is in its place, and the layer does not know. */
async function cutOff(home: LayerHome): Promise<string> {
  await takeIn(home);
  const dir = `${home.dir}/layers/${sent.id}`;
  const about = fs.readFileSync(`${dir}/layer.json`);
  await extract(home);
  fs.writeFileSync(`${dir}/layer.json`, about);
  return dir;
}

describe('an extraction that was cut off before it counted', () => {
  test('is finished by the next one', async () => {
    await using home = await createLayerHome({ images: true });
    const inode = fs.statSync(`${await cutOff(home)}/tree/d/f`).ino;
    await expectWhole(home);
    expect(fs.statSync(`${home.dir}/layers/${sent.id}/tree/d/f`).ino).toBe(inode);
  });

  test('is made anew where the machine went down with it', async () => {
    await using home = await createLayerHome({ images: true });
    const dir = await cutOff(home);
    fs.truncateSync(`${dir}/tree/d/f`);
    expect(await openWith(home, home.files).verify(sent.id, noAbort)).toMatchObject({ ok: false });
    await openWith(home, home.files).extract(sent.id, noAbort);
    await expectWhole(home);
    await expectSwept(home);
  });
});

test.each([2 ** 32 - 1, 2 ** 40])('an image of an owner that no file can have, %i, is a damaged layer', async (uid) => {
  await using home = await createLayerHome({ images: true });
  await takeIn(home);
  const file = `${home.dir}/layers/${sent.id}/layer.json`;
  fs.writeFileSync(file, JSON.stringify({ ...JSON.parse(fs.readFileSync(file, 'utf8')), uid }));
  const problems = [`${file} is damaged`];
  expect(await openWith(home, home.files).verify(sent.id, noAbort)).toEqual({ key: sent.id, ok: false, problems });
});

describe('the image of a layer that has a tree now', () => {
  test('goes when nobody can be about to mount it', async () => {
    await using home = await createLayerHome({ images: true });
    await takeIn(home);
    const store = openWith(home, home.files);
    const { image } = await store.open(sent.id, noAbort);
    const later = Date.now() + limits.sweepGraceMs + 60_000;
    expect(await store.sweepImages(later, noAbort)).toEqual([]);
    await store.extract(sent.id, noAbort);
    expect(await store.sweepImages(Date.now(), noAbort)).toEqual([]);
    expect(fs.existsSync(image ?? '')).toBe(true);
    expect(await store.sweepImages(later, noAbort)).toContain(
      `image of a layer that has a tree now: layers/${sent.id}`,
    );
    expect(fs.existsSync(image ?? '')).toBe(false);
    await expectWhole(home);
  });

  test('is not missed by a run that began before, and still reads the layer when it has gone', async () => {
    await using home = await createLayerHome({ images: true });
    await takeIn(home);
    const store = openWith(home, home.files);
    const layer = await store.open(sent.id, noAbort);
    await store.extract(sent.id, noAbort);
    await store.sweepImages(Date.now() + limits.sweepGraceMs + 60_000, noAbort);
    expect(fs.existsSync(layer.image ?? '')).toBe(false);
    const [file, link] = ['d/f' as BytePath, 'd/link' as BytePath];
    const texts = [layer.read(file), layer.read(link), layer.readHead(file, 3)];
    expect(texts.map((bytes) => Buffer.from(bytes).toString())).toEqual(['content', 'f', 'con']);
  });

  test('had reached the disk, and that says nothing of the tree', async () => {
    await using home = await createLayerHome({ images: true });
    await takeIn(home);
    await home.settle(sent.id);
    const afterwards = (): Promise<boolean> => openWith(home, home.files, 'another').isSettled(sent.id, noAbort);
    expect(await afterwards()).toBe(true);
    await extract(home);
    expect(await afterwards()).toBe(false);
    await home.settle(sent.id);
    expect(await afterwards()).toBe(true);
  });
});
