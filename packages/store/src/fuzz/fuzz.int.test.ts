import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fuzz, tried, type FuzzOutcome } from './fuzz.fixture.ts';
import type { FuzzTarget, TargetFactory } from './fuzz-target.fixture.ts';
import { planted } from './planted.fixture.ts';
import { targets } from './targets.fixture.ts';
import { fuzzWatched } from './watched.fixture.ts';

// Every reader of untrusted bytes refuses an input in a documented way, or reads it correctly.

const keptDir = join(import.meta.dirname, 'kept');
const moduleOf = (name: string): string => new URL(name, import.meta.url).href;

/** Runs for a second or less. `npm run fuzz` runs each for a minute. */
const runs: Readonly<Record<string, number>> = {
  archive: 80,
  index: 1500,
  frames: 400,
  walk: 800,
  threads: 12,
  'take-in': 60,
  image: 15,
  manifest: 1500,
};

/** Seeds that find a planted fault after few inputs, for targets that are slow per input. */
const foundWith: Readonly<Record<string, number>> = { threads: 3 };

async function withTarget<T>(factory: TargetFactory, use: (target: FuzzTarget) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'cachelane-fuzz-'));
  const target = await factory({ seed: 1, dir });
  try {
    return await use(target);
  } finally {
    target.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

describe.each(Object.entries(targets))('%s', (name, factory) => {
  test('reads mutated inputs correctly or refuses them', async () => {
    const module = moduleOf('targets.fixture.ts');
    const outcome = await fuzzWatched({ module, target: name, seed: 20_261_125, runs: runs[name] ?? 0, seconds: 60 });
    expect(outcome.failure).toBeNull();
    expect(Object.keys(outcome.refused).length).toBeGreaterThan(1);
  });

  test('accepts every valid input', async () => {
    const verdicts = await withTarget(factory, async (target) => {
      const all: (string | null)[] = [];
      for (const base of target.bases) all.push(await tried(target, base));
      return all;
    });
    // Some indexes that the codec accepts are not valid incoming layers.
    expect(verdicts.filter((verdict) => verdict !== null && name !== 'index')).toEqual([]);
    expect(verdicts).toContain(null);
  });

  test('finds a missing check, with an input that shows it', async () => {
    const found = await withTarget(
      planted[name] as TargetFactory,
      async (target) => await plantedFailure(target, foundWith[name] ?? 1),
    );
    expect(found).not.toBeNull();
    const input = Buffer.from(found?.input ?? []);
    // With the check, the input is refused or harmless.
    await expect(withTarget(factory, async (target) => await tried(target, input))).resolves.not.toThrow();
    await expect(
      withTarget(planted[name] as TargetFactory, async (target) => await tried(target, input)),
    ).rejects.toThrow();
  });

  test.each(keptOf(name))('stored input: %s', async (file) => {
    await withTarget(factory, async (target) => await tried(target, readFileSync(join(keptDir, name, file))));
  });
});

async function plantedFailure(target: FuzzTarget, seed: number): Promise<FuzzOutcome['failure']> {
  const { failure } = await fuzz(target, { seed, runs: 20_000, seconds: 100, minimiseSeconds: 1 });
  return failure;
}

/** Returns the stored inputs that once failed, here or with a planted fault. */
function keptOf(name: string): readonly string[] {
  return readdirSync(join(keptDir, name));
}

describe('the watch', () => {
  const watched = { module: moduleOf('watch-targets.fixture.ts'), seed: 1, runs: 10, seconds: 60 };

  test('finds an input on which a reader hangs', async () => {
    const { failure } = await fuzzWatched({ ...watched, target: 'endless', msMax: 300 });
    expect(failure?.message).toContain('it does not end');
    expect(failure?.input.length).toBeGreaterThan(0);
  });

  test('finds an input that uses too much memory', async () => {
    const { failure } = await fuzzWatched({ ...watched, target: 'greedy' });
    expect(failure?.message).toContain('of memory');
  });
});
