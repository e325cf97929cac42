import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import workerThreads from 'node:worker_threads';
import * as fs from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { BytePath, StoredLayer } from '@cachelane/core';
import { attachRequest, compiledSources, requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { digestFile } from '../files/read-file.ts';
import { createLayerHome, type LayerHome } from '../home/layer-home.fixture.ts';
import { realFiles, type StoreFiles } from '../files/store-files.ts';
import { bringUp, type KeptPlace } from './bring-up.ts';
import { openCloneMounter } from '../kept/clone-mounter.ts';
import type { FileJob, MadeFiles } from './file-messages.ts';
import { byThreads, type FillOptions } from './file-makers.ts';
import { fillProperty } from './fill-property.fixture.ts';
import {
  alone,
  halfFiles,
  helpersOn,
  lastingThreads,
  layerOfItems,
  manyFiles,
  namesIn,
  placeIn,
  refusal,
  seeFilled,
} from './fill.fixture.ts';
import { emptyTable, type KeptTable } from '../slots/kept-table.ts';

const noAbort = new AbortController().signal;
const threads = await lastingThreads();

fillProperty('a directory', threads, { runs: 12 });

/** Runs something before each job of the threads. */
function disturbed(
  before: (job: FileJob, make: (job: FileJob) => Promise<MadeFiles>) => Promise<MadeFiles>,
): FillOptions {
  return {
    ...threads,
    start() {
      const makers = threads.start();
      return makers === null ? null : { ...makers, make: async (job) => await before(job, makers.make) };
    },
  };
}

async function fill(place: KeptPlace, layer: StoredLayer, signal = noAbort): Promise<KeptTable> {
  return await bringUp(place, emptyTable, [layer], null, signal);
}

describe.each([
  ['a tree', false],
  ['an image', true],
] as const)('what goes wrong out of %s', (_, images) => {
  const withLayer = async (use: (home: LayerHome, layer: StoredLayer) => Promise<void>): Promise<void> => {
    await using home = await createLayerHome({ images });
    await use(home, await layerOfItems(home, manyFiles(400)));
  };

  // This thread has the first three files, helpers the others.
  test.each(['d0/f4', 'd20/f205'])('missing content gives the same error as with one thread: %s', async (first) => {
    await withLayer(async (home, layer) => {
      // Truncating an image removes everything after the cut too.
      for (const path of images ? [first] : ['d30/f301', first])
        home.damage(layer.key as never, { kind: images ? 'truncate' : 'remove', path });
      const told = [];
      for (const [i, how] of [alone, threads].entries()) {
        const place = placeIn(home, `${i}`, how);
        told.push(await refusal(fill(place, layer)));
        expect(halfFiles(place.tree, layer)).toEqual([]);
      }
      expect(told[0]).toMatchObject({ code: 'E_LAYER_CORRUPT', message: expect.stringContaining(first) });
      expect(told[1]).toEqual(told[0]);
    });
  });

  test('an abort stops it at once', async () => {
    await withLayer(async (home, layer) => {
      const stopping = new AbortController();
      const stops = disturbed(async (job, make) => {
        stopping.abort();
        return await make(job);
      });
      const place = placeIn(home, 'stopped', stops);
      expect(await refusal(fill(place, layer, stopping.signal))).toMatchObject({ code: 'E_ABORTED' });
      const names = namesIn(place.tree);
      expect(halfFiles(place.tree, layer)).toEqual([]);
      expect(names.filter((path) => path.includes('/f')).length).toBeLessThan(20);
      // No thread continues.
      await setImmediate();
      expect(namesIn(place.tree)).toEqual(names);
    });
  });

  test('a thread that ends before, during or after its job is compensated', async () => {
    await withLayer(async (home, layer) => {
      let jobs = 0;
      const dying = disturbed(async (job, make) => {
        jobs += 1;
        const { tree, orders } = job;
        if (jobs % 4 === 1) fs.writeFileSync(`${tree}/${orders[0]?.path}`, 'half of it');
        if (jobs % 4 === 2) await make(job);
        if (jobs % 4 < 3) throw new Error('the thread is no more');
        return await make(job);
      });
      const place = placeIn(home, 'mended', dying);
      const other = placeIn(home, 'other', alone);
      expect(seeFilled(place.tree, await fill(place, layer))).toEqual(seeFilled(other.tree, await fill(other, layer)));
      expect(jobs).toBeGreaterThan(10);
    });
  });

  test('a file that a helper cannot finish is created here', async () => {
    await withLayer(async (home, layer) => {
      let finished = 0;
      const failing = (): void => {
        finished += 1;
        if (finished % 3 === 0) throw Object.assign(new Error('EIO'), { code: 'EIO' });
      };
      const files: StoreFiles = {
        ...realFiles,
        setMode: (...args) => (failing(), realFiles.setMode(...args)),
        setTime: (...args) => (failing(), realFiles.setTime(...args)),
      };
      const place = placeIn(home, 'unfinished', helpersOn(files));
      const other = placeIn(home, 'other', alone);
      expect(seeFilled(place.tree, await fill(place, layer))).toEqual(seeFilled(other.tree, await fill(other, layer)));
      expect(finished).toBeGreaterThan(10);
    });
  });

  test('missing threads do no harm', async () => {
    await withLayer(async (home, layer) => {
      const place = placeIn(home, 'none', { ...threads, start: () => null });
      expect(seeFilled(place.tree, await fill(place, layer))).toHaveLength(440);
    });
  });
});

test('threads help only with large jobs, and this thread works beside them', async () => {
  await using home = await createLayerHome();
  const layer = await layerOfItems(home, manyFiles(200));
  let sent = 0;
  const counting = disturbed(async (job, make) => {
    sent += job.orders.length;
    return await make(job);
  });
  const bytes = 200 * 9000;
  await fill(placeIn(home, 'few', { ...counting, worthwhileFiles: 201, worthwhileBytes: bytes }), layer);
  expect(sent).toBe(0);
  await fill(placeIn(home, 'files', { ...counting, worthwhileFiles: 200, worthwhileBytes: bytes }), layer);
  expect(sent).toBeGreaterThan(0);
  expect(sent).toBeLessThan(200);
  sent = 0;
  const place = placeIn(home, 'bytes', { ...counting, worthwhileFiles: 201, worthwhileBytes: 100_000 });
  const table = await fill(place, layer);
  expect(sent).toBeGreaterThan(0);
  sent = 0;
  // Nothing differs.
  expect(await bringUp(place, table, [layer], [...table.paths()], noAbort)).toBe(table);
  expect(sent).toBe(0);
});

test('a thread that ends does not stop the others', async () => {
  await using home = await createLayerHome();
  const layer = await layerOfItems(home, manyFiles(400));
  const { Worker } = workerThreads;
  let asked = 0;
  const set = (worker: typeof Worker): void => {
    workerThreads.Worker = worker;
    syncBuiltinESMExports();
  };
  set(
    class extends Worker {
      override postMessage(...args: Parameters<workerThreads.Worker['postMessage']>): void {
        super.postMessage(...args);
        asked += 1;
        if (asked === 3) void this.terminate();
      }
    },
  );
  try {
    await using makers = byThreads.start();
    await makers?.ready;
    const lasting = makers && { ...makers, [Symbol.asyncDispose]: async () => await Promise.resolve() };
    const place = placeIn(home, 'ended', { ...threads, start: () => lasting });
    const other = placeIn(home, 'other', alone);
    expect(seeFilled(place.tree, await fill(place, layer))).toEqual(seeFilled(other.tree, await fill(other, layer)));
    expect(asked).toBeGreaterThanOrEqual(3);
  } finally {
    set(Worker);
  }
});

/** Returns whether the home's kept directory has the file as in the layer. */
function isThere({ dir }: LayerHome, layer: StoredLayer, path: string): boolean {
  const [tree = ''] = fs.globSync(`${dir}/kept/**/tree`);
  try {
    return digestFile(`${tree}/${path}`).digest === layer.index.find(path as BytePath)?.digest;
  } catch {
    return false;
  }
}

test('the next run repairs a directory after its process was killed while threads worked', async () => {
  await using home = await createLayerHome();
  const layers = [
    await layerOfItems(home, manyFiles(600)),
    await layerOfItems(home, manyFiles(600, 'second')),
  ] as const;
  fs.mkdirSync(`${home.dir}/targets`);
  const mounter = openCloneMounter({ dir: home.dir, bootId: 'boot', files: home.files, fill: threads });
  const child = `${import.meta.dirname}/fill-child.fixture.ts`;
  let isEarly = false;
  for (const [round, made] of [1, 40, 200, 400, 590].entries()) {
    const layer = layers[round % 2] as StoredLayer;
    const killed = spawn(process.execPath, [child, home.dir, layer.key, 'threads', 'attach'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...compiledSources },
    });
    let said = '';
    killed.stdout.on('data', (data: Buffer) => (said += data.toString()));
    const closed = once(killed, 'close');
    await once(killed.stdout, 'data');
    while (!said.includes('attached') && !isThere(home, layer, `d${Math.floor(made / 10)}/f${made}`))
      await setImmediate();
    killed.kill('SIGKILL');
    await closed;
    isEarly ||= !said.includes('attached');
    for (const session of await mounter.sessions(noAbort)) await mounter.discardSession(session, noAbort);
    const request = attachRequest({ mounter, targets: `${home.dir}/targets` } as never, {
      view: [layer],
      reach: 'setting',
    });
    const volume = await mounter.attach(request, noAbort);
    const dir = volume.mount.kind === 'directory' ? volume.mount.path : '';
    expect(halfFiles(dir, layer)).toEqual([]);
    expect(namesIn(dir)).toHaveLength(660);
    await volume.release(noAbort);
  }
  expect(isEarly).toBe(true);
});

requireCommands('bwrap')('a full disk', () => {
  test.each([
    ['alone', 'tree'],
    ['threads', 'tree'],
    ['threads', 'image'],
  ])('is reported, and has no partial files: %s, out of an %s', async (how, kind) => {
    await using home = await createLayerHome({ images: kind === 'image' });
    const layer = await layerOfItems(home, manyFiles(400));
    const child = `${import.meta.dirname}/fill-child.fixture.ts`;
    const small = `${home.dir}/small`;
    fs.mkdirSync(small);
    const { stdout, stderr } = spawnSync(
      'bwrap',
      [
        '--dev-bind',
        '/',
        '/',
        '--size',
        '600000',
        '--tmpfs',
        small,
        process.execPath,
        child,
        home.dir,
        layer.key,
        how,
        small,
      ],
      { encoding: 'utf8' },
    );
    expect(stderr).toBe('');
    const { told, half, count } = JSON.parse(stdout) as Record<string, unknown>;
    expect(told).toMatchObject({ code: 'ENOSPC' });
    expect(half).toEqual([]);
    expect(count).toBeGreaterThan(50);
  });
});
