import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands, type HttpFault } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { seededNumbers } from '../seeded.fixture.ts';
import { missingOf } from './commits.fixture.ts';
import { expectSoundHome, expectSoundRemote } from './expect-sound.fixture.ts';
import { openMachine } from './machine.fixture.ts';
import { liveThrough, type LivedLife } from './machines.fixture.ts';
import { scratchDir, startBucket } from './places.fixture.ts';

// Machines with their own homes share two volumes, are killed, and use a failing network. In the end every commit that any of
// them reported as saved exists.

const names = Array.from({ length: 20 }, (_, index) => `m${index}`);

interface Place {
  readonly dir: string;
  readonly address: string;
  readonly env: Readonly<Record<string, string>>;
  /** The rate of faults among the machines' calls. */
  readonly faultRate: number;
  readonly seed: number;
  /** The number per machine. A machine that loses a race repeats its work, so twice as many cost four times the work. */
  readonly commits: number;
}

async function liveTogether({ dir, address, env, faultRate, seed, commits }: Place): Promise<readonly LivedLife[]> {
  return await Promise.all(
    names.map(async (name, index) => {
      const work = { dir: join(dir, name), address, name, to: commits, faultRate };
      return await liveThrough(work, { seed: seed + 50 * index, killRate: 0.4, env });
    }),
  );
}

async function expectNothingLost(place: Place, lives: readonly LivedLife[]): Promise<void> {
  const { dir, address, env, commits } = place;
  const all = names.flatMap((name) => Array.from({ length: commits }, (_, number) => `${name}.${number}`));
  expect(lives.flatMap(({ saved }) => saved).toSorted()).toEqual(all.toSorted());
  expect(lives.reduce((sum, { kills }) => sum + kills, 0)).toBeGreaterThanOrEqual(10);

  await using newcomer = await openMachine({ dir: join(dir, 'newcomer'), address, env });
  const missing: string[] = [];
  await newcomer.run((dirs) => missing.push(...missingOf(dirs, all)), 'never');
  expect(newcomer.warnings).toEqual([]);
  expect(missing).toEqual([]);
  await expectSoundHome(newcomer);
  await expectSoundRemote(newcomer, { heads: 2 });
  for (const name of names.slice(0, 3)) {
    await using machine = await openMachine({ dir: join(dir, name), address, env });
    await expectSoundHome(machine);
  }
}

describe('20 machines at once, killed at any moment, lose nothing', () => {
  test('in a directory that loses answers, repeats calls and delays them', { timeout: 900_000 }, async () => {
    using scratch = scratchDir();
    mkdirSync(join(scratch.path, 'shared'));
    const place = {
      dir: scratch.path,
      address: `dir:${scratch.path}/shared`,
      env: {},
      faultRate: 0.01,
      seed: 1,
      commits: 3,
    };
    await expectNothingLost(place, await liveTogether(place));
  });

  requireCommands(
    'ceph-mon',
    'ceph-osd',
    'ceph',
    'radosgw',
  )('in a bucket', () => {
    const faults: readonly HttpFault[] = [
      'error-before',
      'error-after',
      'lose-reply',
      'twice',
      'late-again',
      'cut-reply',
      'slow-down',
      'refuse',
    ];
    test('behind a network that loses, repeats and interrupts requests', { timeout: 900_000 }, async () => {
      using scratch = scratchDir();
      await using bucket = await startBucket();
      const random = seededNumbers(7);
      bucket.proxy.decide = () => (random() < 0.01 ? faults[Math.floor(random() * faults.length)] : undefined);
      const { env } = bucket;
      const place = { dir: scratch.path, address: bucket.address('many'), env, faultRate: 0, seed: 2, commits: 2 };
      const lives = await liveTogether(place);
      bucket.proxy.decide = () => undefined;
      await expectNothingLost(place, lives);
    });
  });
});
