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

// Invariant: after any last operation of a process that unpacks or extracts an image, the store holds whole layers that
// can be read and extracted, and nothing else that lasts.

const noAbort = new AbortController().signal;
const sealedAtMs = 1_700_000_000_000;

interface Sent {
  readonly id: LayerId;
  readonly index: Uint8Array;
  readonly data: Buffer;
}

/** Returns a layer with every kind of entry, in its wire form. */
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

/** Ignores errors. Cleanup swallows them, so the caller of a dead process may not see one. */
async function dying(call: Promise<unknown>): Promise<void> {
  await call.catch((error: unknown) => expect(error).toBeInstanceOf(SimulatedCrash));
}

/** Checks that the layer can be read and extracted, whatever its form. */
async function expectWhole(home: LayerHome): Promise<void> {
  const store = openWith(home, home.files);
  expect(await store.verify(sent.id, noAbort)).toEqual({ key: sent.id, ok: true, problems: [] });
  const layer = await store.extract(sent.id, noAbort);
  expect(layer.image).toBeNull();
  expect(await store.verify(sent.id, noAbort)).toEqual({ key: sent.id, ok: true, problems: [] });
}

/** Checks that a later process finds and deletes the remains. */
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

describe('a process that dies while it unpacks an image', () => {
  test('has many places to die', () => {
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

describe('a process that dies while it extracts an image', () => {
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

describe('a full disk', () => {
  test.each(numbered(takingIn))('at operation $operation, $name, stops the unpacking', async ({ operation }) => {
    await using home = await createLayerHome({ images: true });
    const { port } = failingPort(home.files, { operation, code: 'ENOSPC' });
    const error: unknown = await takeIn(home, port).catch((thrown: unknown) => thrown);
    // Cleanup and background work may fail silently.
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

/** Leaves an extraction whose tree is in place but not yet announced by `layer.json`. */
async function cutOff(home: LayerHome): Promise<string> {
  await takeIn(home);
  const dir = `${home.dir}/layers/${sent.id}`;
  const about = fs.readFileSync(`${dir}/layer.json`);
  await extract(home);
  fs.writeFileSync(`${dir}/layer.json`, about);
  return dir;
}

describe('an extraction that was interrupted before it counted', () => {
  test('is finished by the next one', async () => {
    await using home = await createLayerHome({ images: true });
    const inode = fs.statSync(`${await cutOff(home)}/tree/d/f`).ino;
    await expectWhole(home);
    expect(fs.statSync(`${home.dir}/layers/${sent.id}/tree/d/f`).ino).toBe(inode);
  });

  test('is repeated after a reboot', async () => {
    await using home = await createLayerHome({ images: true });
    const dir = await cutOff(home);
    fs.truncateSync(`${dir}/tree/d/f`);
    expect(await openWith(home, home.files).verify(sent.id, noAbort)).toMatchObject({ ok: false });
    await openWith(home, home.files).extract(sent.id, noAbort);
    await expectWhole(home);
    await expectSwept(home);
  });
});

test.each([2 ** 32 - 1, 2 ** 40])('an image with the invalid owner %i is a damaged layer', async (uid) => {
  await using home = await createLayerHome({ images: true });
  await takeIn(home);
  const file = `${home.dir}/layers/${sent.id}/layer.json`;
  fs.writeFileSync(file, JSON.stringify({ ...JSON.parse(fs.readFileSync(file, 'utf8')), uid }));
  const problems = [`${file} is damaged`];
  expect(await openWith(home, home.files).verify(sent.id, noAbort)).toEqual({ key: sent.id, ok: false, problems });
});

describe('the image of an extracted layer', () => {
  test('is deleted after a grace period', async () => {
    await using home = await createLayerHome({ images: true });
    await takeIn(home);
    const store = openWith(home, home.files);
    const { image } = await store.open(sent.id, noAbort);
    const later = Date.now() + limits.sweepGraceMs + 60_000;
    expect(await store.sweepImages(later, noAbort)).toEqual([]);
    await store.extract(sent.id, noAbort);
    expect(await store.sweepImages(Date.now(), noAbort)).toEqual([]);
    expect(fs.existsSync(image ?? '')).toBe(true);
    expect(await store.sweepImages(later, noAbort)).toContain(`image of an extracted layer: layers/${sent.id}`);
    expect(fs.existsSync(image ?? '')).toBe(false);
    await expectWhole(home);
  });

  test('is deleted although other programs put files beside the layers', async () => {
    await using home = await createLayerHome({ images: true });
    await takeIn(home);
    const store = openWith(home, home.files);
    await store.extract(sent.id, noAbort);
    fs.writeFileSync(`${home.dir}/layers/stray`, '');
    fs.writeFileSync(`${home.dir}/layers/${'0'.repeat(64)}`, '');
    const later = Date.now() + limits.sweepGraceMs + 60_000;
    expect(await store.sweepImages(later, noAbort)).toEqual([`image of an extracted layer: layers/${sent.id}`]);
  });

  test('can be deleted while an earlier run still reads the layer', async () => {
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

  test('has its own settled mark, which does not count for the tree', async () => {
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
