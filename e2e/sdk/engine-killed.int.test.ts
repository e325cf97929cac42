import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { CachelaneError, type CacheVolume, type Fork, type RolledBack, type Saved } from '@cachelane/sdk';
import { expect, test } from 'vitest';
import { seededNumbers } from '../seeded.fixture.ts';
import { openSdkWorld, pathsOf, type SdkWorld, type ServedEngine } from './sdk-world.fixture.ts';

// An engine process is killed during a change, and its client asks the next engine for the same change.
// packages/api/src/mutations/mutations-killed.sim.test.ts covers every single moment.

const keys = ['one', 'two', 'three'] as const;
const filesInEach = 30;

/** The result of the change, or its error. */
type Outcome<T> = T | CachelaneError;

async function outcomeOf<T>(change: Promise<T>): Promise<Outcome<T>> {
  try {
    return await change;
  } catch (error) {
    if (error instanceof CachelaneError) return error;
    throw error;
  }
}

interface Killing {
  readonly on: SdkWorld;
  readonly engine: Pick<ServedEngine, 'pid' | 'ended'>;
  readonly afterMs: number;
}

interface Killed<T> {
  readonly outcome: Outcome<T>;
  readonly next: ServedEngine;
}

/** Kills the engine some time after the change has begun, and asks the next engine. */
async function killedDuring<T>({ on, engine, afterMs }: Killing, change: () => Promise<T>): Promise<Killed<T>> {
  const first = outcomeOf(change());
  await wait(afterMs);
  process.kill(engine.pid, 'SIGKILL');
  await engine.ended;
  const next = await on.serve('--keep');
  const outcome = await first;
  if (!(outcome instanceof CachelaneError) || outcome.code !== 'E_ENGINE_GONE') return { outcome, next };
  expect(outcome.retryable).toBe(true);
  return { outcome: await outcomeOf(change()), next };
}

function fill(fork: Fork, round: string): void {
  for (const { directory } of fork.volumes) {
    for (let index = 0; index < filesInEach; index++) writeFileSync(join(directory, `${round}-${index}`), round);
  }
}

const generationOf = async (volume: CacheVolume): Promise<number> => (await volume.head())?.generation ?? 0;

/** Returns the names of the volumes that have all of a round. The others must have none of it. */
async function doneIn(volumes: readonly CacheVolume[], round: string): Promise<string[]> {
  const done: string[] = [];
  for (const [index, volume] of volumes.entries()) {
    const count = (await pathsOf(volume.entries())).filter((path) => path.startsWith(`${round}-`)).length;
    expect([0, filesInEach]).toContain(count);
    if (count > 0) done.push(keys[index] ?? '');
  }
  return done;
}

function expectTold(outcome: Outcome<readonly Saved[]>, done: readonly string[]): void {
  if (!(outcome instanceof CachelaneError)) {
    expect([outcome.map(({ key }) => key), done]).toEqual([[...keys], [...keys]]);
    expect(outcome.map(({ added, layer }) => [added, layer === null])).toEqual(keys.map(() => [filesInEach, false]));
    return;
  }
  const what = done.length === 0 ? 'nothing of the fork was saved' : `of the fork ${done.join(', ')} was saved`;
  const missing = keys.filter((key) => !done.includes(key));
  expect(outcome).toMatchObject({
    code: 'E_NOT_SAVED',
    message: `the fork has ended, and ${what}; not saved, or unchanged: ${missing.join(', ')}`,
  });
}

const seeds = [1, 2, 3, 4];

/** Returns a moment between the start of a commit and shortly after its end. Each seed covers its own part. */
function momentOf(seed: number, random: () => number): number {
  return ((seed - 1 + random()) / seeds.length) * 1.2;
}

test.each(seeds)('an engine killed during a commit and a rollback, seed %i', async (seed) => {
  const random = seededNumbers(seed);
  await using on = openSdkWorld();
  const engine = await on.serve('--keep');
  const session = await on.session(on.acme('web'));
  const volumes = keys.map((key) => session.cacheVolume(key));
  let commitMs = 0;
  for (const round of ['first', 'second']) {
    await using before = await session.attach(volumes);
    fill(before, round);
    const startedMs = performance.now();
    await before.commit();
    commitMs = performance.now() - startedMs;
  }
  const fork = await session.attach(volumes);
  fill(fork, 'third');
  const commit = async (): Promise<readonly Saved[]> => await fork.commit();
  const { outcome, next } = await killedDuring({ on, engine, afterMs: commitMs * momentOf(seed, random) }, commit);
  const done = await doneIn(volumes, 'third');
  expectTold(outcome, done);
  const generations = await Promise.all(volumes.map(generationOf));
  expect(generations).toEqual(keys.map((key) => (done.includes(key) ? 3 : 2)));
  expectTold(await outcomeOf(fork.commit()), done);
  expect(await Promise.all(volumes.map(generationOf))).toEqual(generations);
  await fork[Symbol.asyncDispose]();

  const [volume] = volumes as [CacheVolume];
  const rollback = async (): Promise<RolledBack> => await volume.rollback({ key: 'back' });
  const { outcome: rolledBack } = await killedDuring({ on, engine: next, afterMs: random() * 15 }, rollback);
  const at = generations[0] ?? 0;
  expect(rolledBack).toMatchObject({ from: at, to: at - 1, generation: at + 1 });
  expect(await rollback()).toEqual(rolledBack);
  expect(await generationOf(volume)).toBe(at + 1);
});
