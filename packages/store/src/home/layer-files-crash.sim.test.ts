import * as fs from 'node:fs';
import {
  digestOf,
  isCachelaneError,
  limits,
  type BytePath,
  type LayerId,
  type StagedEntry,
  type StageRequest,
  type StoredLayer,
} from '@cachelane/core';
import {
  contentEntry,
  deathPoints,
  dyingProcess,
  failingPort,
  madeEntry,
  removalEntry,
  SimulatedCrash,
  stageAll,
} from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { createLayerHome, fixedClock, runJob, type LayerHome } from './layer-home.fixture.ts';
import { openLayerFiles } from './layer-files.ts';
import type { StoreFiles } from '../files/store-files.ts';

// Invariant: after any last operation of a process, the store holds the published layers, each whole, and nothing else
// that lasts.

const noAbort = new AbortController().signal;
const sealedAtMs = 1_700_000_000_000;

function openWith(home: LayerHome, files: StoreFiles): ReturnType<typeof openLayerFiles> {
  return openLayerFiles({ dir: home.dir, bootId: 'boot', clock: fixedClock(0), files });
}

async function publishBase(home: LayerHome): Promise<StoredLayer> {
  const store = openWith(home, home.files);
  const entries = [
    madeEntry('base'),
    contentEntry('base/f', 'base'),
    contentEntry('base/d', 'delta', { form: 'delta' }),
  ];
  const staged = await store.stage({ changes: null, entries, sealedAtMs }, noAbort);
  await store.publish(staged, noAbort);
  return store.open(staged.id, noAbort);
}

/** Returns a save that uses every kind of operation. */
function requestFor(home: LayerHome, base: StoredLayer): StageRequest {
  const changes = home.changes([
    { kind: 'dir', path: 'dropped' },
    { kind: 'file', path: 'dropped/f', content: 'scratch' },
    { kind: 'dir', path: 'kept', mode: 0o555 },
    { kind: 'file', path: 'kept/f', content: 'kept', mode: 0o400 },
    { kind: 'file', path: 'kept/index', content: 'replaced by its delta' },
    { kind: 'file', path: 'retimed', content: 'with a time of its own' },
    { kind: 'removed', path: 'removed' },
    { kind: 'removed', path: 'hinted' },
    { kind: 'dir', path: 'remade', replaces: true },
  ]);
  const claimed = stageAll(changes).filter(({ entry }) => !/^dropped|index$|^hinted/.test(entry.path));
  const entries = claimed.map((staged): StagedEntry =>
    staged.entry.path === 'retimed' ? { ...staged, entry: { ...staged.entry, mtimeNs: 0n } } : staged,
  );
  const linked = ['base/f', 'base/d'].flatMap((path) => base.index.find(path as BytePath) ?? []);
  return {
    changes,
    entries: [
      ...entries,
      contentEntry('kept/index', 'delta', { form: 'delta' }),
      madeEntry('base'),
      ...linked.map((entry): StagedEntry => ({ from: 'layer', entry, layer: base })),
      removalEntry('hinted', 'hint'),
      removalEntry('gone', 'counted'),
    ],
    sealedAtMs,
  };
}

async function save(home: LayerHome, files: StoreFiles, request: StageRequest): Promise<LayerId> {
  const store = openWith(home, files);
  const staged = await store.stage(request, noAbort);
  await store.publish(staged, noAbort);
  return staged.id;
}

/** Ignores errors. Cleanup swallows them, so the caller of a dead process may not see one. */
async function dying(call: Promise<unknown>): Promise<void> {
  await call.catch((error: unknown) => expect(error).toBeInstanceOf(SimulatedCrash));
}

/** Returns the operations of an undisturbed save, and its layer id. */
async function measure(): Promise<{ readonly operations: readonly string[]; readonly id: LayerId }> {
  await using home = await createLayerHome();
  const process = dyingProcess({ operation: 0, when: 'before' });
  const id = await save(home, process.wrap(home.files), requestFor(home, await publishBase(home)));
  return { operations: process.operations, id };
}

async function expectOnlyWholeLayers(home: LayerHome, base: StoredLayer): Promise<readonly LayerId[]> {
  const store = openWith(home, home.files);
  const ids = (await store.list(noAbort)).map(({ id }) => id);
  expect(ids).toContain(base.key);
  for (const id of ids) expect(await store.verify(id, noAbort)).toEqual({ key: id, ok: true, problems: [] });
  return ids;
}

/** Checks that a later process finds and deletes the remains. */
async function expectSwept(home: LayerHome): Promise<void> {
  const store = openWith(home, home.files);
  expect(await store.sweep(0, noAbort)).toEqual([]);
  await store.sweep(Number.MAX_SAFE_INTEGER - limits.sweepGraceMs, noAbort);
  for (const job of home.jobs) if (job.kind === 'remove') runJob(job);
  for (const dir of ['staging', 'trash']) {
    const path = `${home.dir}/${dir}`;
    expect(fs.existsSync(path) ? fs.readdirSync(path) : []).toEqual([]);
  }
}

const { operations, id: expectedId } = await measure();

describe('a process that dies while it saves', () => {
  test('has many places to die', () => {
    expect(operations.length).toBeGreaterThan(30);
  });

  test.each(deathPoints(operations))('$when operation $operation leaves only whole layers', async (point) => {
    await using home = await createLayerHome();
    const base = await publishBase(home);
    const process = dyingProcess(point);
    await dying(save(home, process.wrap(home.files), requestFor(home, base)));
    expect(process.isDead).toBe(true);
    await expectOnlyWholeLayers(home, base);
    expect(await save(home, home.files, requestFor(home, base))).toBe(expectedId);
    expect(await expectOnlyWholeLayers(home, base)).toContain(expectedId);
    await expectSwept(home);
  });
});

describe('a full disk', () => {
  test.each(operations.map((name, i) => ({ operation: i + 1, name })))(
    'at operation $operation, $name, stops the save and leaves no partial layer visible',
    async ({ operation }) => {
      await using home = await createLayerHome();
      const base = await publishBase(home);
      const { port } = failingPort(home.files, { operation, code: 'ENOSPC' });
      const saved = await save(home, port, requestFor(home, base)).catch((error: unknown) => error);
      // Cleanup and background work may fail silently.
      if (saved !== expectedId) expect(isCachelaneError(saved, 'E_DISK_FULL'), String(saved)).toBe(true);
      await expectOnlyWholeLayers(home, base);
      await expectSwept(home);
    },
  );
});

describe('a process that dies while it derives', () => {
  const key = digestOf('derived');
  const request = { changes: null, entries: [madeEntry('d'), contentEntry('d/f', 'x')], sealedAtMs };

  test.each(Array.from({ length: 20 }, (_, i) => ({ operation: i + 1 })))('at operation $operation', async (point) => {
    await using home = await createLayerHome();
    const process = dyingProcess({ ...point, when: 'after' });
    await dying(openWith(home, process.wrap(home.files)).derive(key, request, noAbort));
    const layer = await openWith(home, home.files).derive(key, request, noAbort);
    expect(Buffer.from(layer.read('d/f' as BytePath)).toString()).toBe('x');
    await expectSwept(home);
  });
});
