import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import type { HeadRecord, LaneName, Metadata } from '@cachelane/core';
import { compiledSources, noAbort } from '@cachelane/testkit';
import { openStore, scratchDir } from './real-world.fixture.ts';

const runner = fileURLToPath(new URL('./runner-process.fixture.ts', import.meta.url));

const together = new URL('./open-together.fixture.ts', import.meta.url);

interface Runner {
  readonly child: ChildProcess;
  /** Layers in the order in which their pushes were acknowledged. */
  readonly acknowledged: AsyncIterable<string>;
  readonly ended: Promise<readonly unknown[]>;
}

function startRunner(file: string, count: number): Runner {
  const child = spawn(process.execPath, [runner, file, `${count}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...compiledSources },
  });
  return { child, acknowledged: createInterface({ input: child.stdout }), ended: once(child, 'close') };
}

async function listOf(lines: AsyncIterable<string>): Promise<readonly string[]> {
  const list: string[] = [];
  for await (const line of lines) list.push(line);
  return list;
}

async function onlyHead(metadata: Metadata): Promise<HeadRecord> {
  const [head, ...others] = await metadata.listHeads(noAbort);
  expect(others).toEqual([]);
  if (head === undefined) throw new Error('there is no head');
  return head;
}

/** Checks what every state of a store must satisfy. */
async function expectSound(file: string): Promise<void> {
  await using metadata = await openStore(file);
  for (const head of await metadata.listHeads(noAbort)) {
    expect(new Set(head.layers).size).toBe(head.generation);
    const record = { layers: head.layers.toSorted(), revision: head.generation };
    expect(await metadata.listSyncedHeads(null, noAbort)).toMatchObject([record]);
    const history = await metadata.history(head.volumeId, head.lane, noAbort);
    expect(history[0]).toMatchObject({ generation: head.generation, layers: head.layers });
    expect(history.map(({ generation }) => generation)).toEqual(history.map((_, index) => head.generation - index));
    for (const id of head.layers) {
      const layer = await metadata.layer(id, noAbort);
      expect(layer && (await metadata.run(layer.run, noAbort))?.lane).toBe('t1:local' as LaneName);
    }
  }
  expect(await metadata.listVolumes(noAbort)).toHaveLength((await metadata.listNamespaces(noAbort)).length);
  using raw = new DatabaseSync(file);
  expect(raw.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
  expect(raw.prepare('PRAGMA foreign_key_check').all()).toEqual([]);
}

describe('processes that share a store', () => {
  test('none of 8 writers that create it together loses a push', async () => {
    using dir = scratchDir();
    const file = join(dir.path, 'state.db');
    const [writers, pushes] = [8, 50];
    const runners = Array.from({ length: writers }, () => startRunner(file, pushes));
    const acknowledged = await Promise.all(runners.map((one) => listOf(one.acknowledged)));
    const codes = await Promise.all(runners.map(({ ended }) => ended));
    expect(codes).toEqual(Array.from({ length: writers }, () => [0, null]));
    expect(acknowledged.map(({ length }) => length)).toEqual(Array.from({ length: writers }, () => pushes));

    await using metadata = await openStore(file);
    const head = await onlyHead(metadata);
    expect(head.generation).toBe(writers * pushes);
    expect(head.layers.toSorted()).toEqual(acknowledged.flat().toSorted());
    expect(await metadata.listSessions(noAbort)).toEqual([]);
    await expectSound(file);
  });

  test('processes that create it at the same time make one store', async () => {
    using dir = scratchDir();
    const file = join(dir.path, 'state.db');
    const runners = Array.from({ length: 12 }, () => startRunner(file, 1));
    const codes = await Promise.all(runners.map(({ ended }) => ended));
    expect(codes).toEqual(runners.map(() => [0, null]));
    await using metadata = await openStore(file);
    expect((await onlyHead(metadata)).generation).toBe(12);
  });

  test('threads that create it at the same moment all open the same store', async () => {
    using dir = scratchDir();
    const threads = 2;
    const files = Array.from({ length: 150 }, (_, round) => join(dir.path, `${round}.db`));
    const gate = new Int32Array(new SharedArrayBuffer(4));
    const workers = Array.from(
      { length: threads },
      () => new Worker(together, { workerData: { files, gate, threads } }),
    );
    try {
      // Rejects if the thread threw.
      await Promise.all(workers.map(async (worker) => await once(worker, 'exit')));
    } finally {
      for (const worker of workers) void worker.terminate();
    }
    await using last = await openStore(files.at(-1) ?? '');
    expect(await last.listNamespaces(noAbort)).toEqual([]);
  });

  test('kill -9 at any moment leaves a sound store with everything that was acknowledged', async () => {
    using dir = scratchDir();
    const file = join(dir.path, 'state.db');
    const acknowledged = new Set<string>();
    // Two processes run side by side. The first lives for a different number of pushes in each round, and the scheduler
    // decides where the kill hits. Round 0 dies while it creates the store.
    const rounds = 12;
    for (let round = 0; round < rounds; round++) {
      const [victim, other] = [startRunner(file, 0), startRunner(file, 0)];
      const collect = async (one: Runner, lifetime: number) => {
        let pushes = 0;
        if (lifetime === 0) one.child.kill('SIGKILL');
        for await (const layer of one.acknowledged) {
          acknowledged.add(layer);
          if (++pushes === lifetime) one.child.kill('SIGKILL');
        }
        await one.ended;
      };
      await Promise.all([collect(victim, (round * 7) % 11), collect(other, 1 + ((round * 3) % 5))]);
      await expectSound(file);
    }

    await using metadata = await openStore(file);
    const head = await onlyHead(metadata);
    expect(new Set(head.layers).isSupersetOf(acknowledged)).toBe(true);
    // A push that took effect just before the kill may not have been printed.
    expect(head.generation - acknowledged.size).toBeLessThanOrEqual(2 * rounds);
    expect((await metadata.listSessions(noAbort)).length).toBeLessThanOrEqual(2 * rounds);

    const removed: string[] = [];
    for (const { id } of await metadata.listSessions(noAbort)) {
      await metadata.closeSession(id, (dirs) => removed.push(...dirs), noAbort);
    }
    expect(await metadata.listSessions(noAbort)).toEqual([]);
    expect([[], ['/a/b', '/a']]).toContainEqual(removed);
  });
});
