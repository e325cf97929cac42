import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Clock, HeadRecord, LayerId, LayerStore, Metadata, SessionRecord } from '@cachelane/core';
import { openLayerFiles, openSqliteMetadata } from '@cachelane/store';
import { expect } from 'vitest';
import type { World } from '../cli.fixture.ts';

const noAbort = new AbortController().signal;

const clock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms) => await wait(ms),
};

interface OpenStore {
  readonly metadata: Metadata;
  readonly layers: LayerStore;
}

/** Reads the world's store directly, without the CLI. */
async function inStore<T>({ store }: World, look: (open: OpenStore) => Promise<T>): Promise<T> {
  const random = { bytes: (count: number) => crypto.getRandomValues(new Uint8Array(count)) };
  await using metadata = await openSqliteMetadata({ file: join(store, 'state.db'), random, clock }, noAbort);
  return await look({ metadata, layers: openLayerFiles({ dir: store, bootId: 'test', clock }) });
}

export async function headsIn(world: World): Promise<readonly HeadRecord[]> {
  return await inStore(world, async ({ metadata }) => await metadata.listHeads(noAbort));
}

export async function sessionsIn(world: World): Promise<readonly SessionRecord[]> {
  return await inStore(world, async ({ metadata }) => await metadata.listSessions(noAbort));
}

/** Reads every layer of every head and verifies its digests. */
export async function expectWholeHeads(world: World): Promise<void> {
  await inStore(world, async ({ metadata, layers }) => {
    for (const { layers: ids } of await metadata.listHeads(noAbort)) {
      for (const id of ids) expect(await layers.verify(id, noAbort)).toEqual({ key: id, ok: true, problems: [] });
    }
  });
}

/** Expects no session, and no leftovers that a start would repair. */
export async function expectNoSessions(world: World): Promise<void> {
  expect(await sessionsIn(world)).toEqual([]);
  expect(readdirSync(join(world.store, 'sessions'))).toEqual([]);
}

export function layerDir({ store }: World, id: LayerId): string {
  return join(store, 'layers', id);
}

/** Makes every save an hour older, so that no grace period keeps it. */
export function ageLayers({ store }: World): void {
  for (const id of readdirSync(join(store, 'layers'))) {
    const file = join(store, 'layers', id, 'layer.json');
    const about = JSON.parse(readFileSync(file, 'utf8')) as { sealedAtMs: number };
    expect(about.sealedAtMs).toBeGreaterThan(0);
    writeFileSync(file, JSON.stringify({ ...about, sealedAtMs: about.sealedAtMs - 3_600_000 }));
  }
}

/** Makes the leases an hour older. A client that died before it was recorded leaves files without an owner. */
export function ageLeases({ store }: World): void {
  const sessions = join(store, 'sessions');
  const anHourAgo = Date.now() / 1000 - 3600;
  for (const name of readdirSync(sessions)) utimesSync(join(sessions, name), anHourAgo, anHourAgo);
}

/** Shorter than a test's own time limit, whose error would not name the condition. */
const patienceMs = 280_000;

/** Waits for a condition. On a timeout, the error shows the condition or the text of `onTimeout`. */
export async function until(
  look: () => boolean | Promise<boolean>,
  onTimeout: () => string = () => String(look),
): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!(await look())) {
    if (performance.now() > end) throw new Error(`timed out while waiting for: ${onTimeout()}`);
    await wait(5);
  }
}
