import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { requireCommands, tarArchive } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, type World } from '../cli.fixture.ts';
import { seededNumbers } from '../seeded.fixture.ts';
import { ageLeases, expectNoSessions, expectWholeHeads, headsIn } from './store.fixture.ts';

/** The number of processes that must die before their end. Faster ones do not count. */
const deaths = 4;
const roundsMax = 3 * deaths;

async function fill(world: World): Promise<void> {
  for (const name of ['one', 'two', 'three']) {
    const script = `mkdir -p data/${name}; head -c 2000000 /dev/urandom > data/${name}/big; for i in $(seq 100); do echo ${name} $i > data/${name}/$i; done`;
    expect(await world.run(['sh', '-ec', script], { options: ['-v', 'data:data', '--strict'] })).toMatchObject({
      code: 0,
    });
  }
}

/** Returns the duration of an undisturbed process in milliseconds. */
async function measure(world: World, argv: readonly string[]): Promise<number> {
  const begunMs = performance.now();
  expect(await world.cachelane(argv)).toMatchObject({ code: 0 });
  return performance.now() - begunMs;
}

/** Returns false if the process ended before the kill. */
async function kill(world: World, argv: readonly string[], afterMs: number): Promise<boolean> {
  const started = world.start(argv);
  await wait(afterMs);
  started.child.kill('SIGKILL');
  const { code, signal } = await started.finished;
  expect([code, signal]).toEqual(signal === null ? [0, null] : [null, 'SIGKILL']);
  return signal !== null;
}

const listed = 'cd data; find . -type f ! -name mine | sort | xargs cat | sha256sum; find . | sort';

const seen = async (world: World, name: string): Promise<string> =>
  (await world.run(['sh', '-ec', listed], { options: ['-v', `${name}:data`, '--strict'] })).stdout;

async function expectSound(world: World): Promise<void> {
  await expectWholeHeads(world);
  expect(await world.cachelane(['verify'])).toMatchObject({ code: 0 });
}

/** After a start and the grace period, no leftovers of dead processes exist. */
async function expectTidy(world: World): Promise<void> {
  ageLeases(world);
  await world.json(['gc']);
  await expectNoSessions(world);
  await expectSound(world);
}

requireCommands('bwrap', 'flock')('killed at any moment', () => {
  test('an export leaves the older file or the new one, and the volume is unchanged', async () => {
    using world = openWorld();
    await fill(world);
    const file = join(world.dir, 'data.export');
    const argv = ['export', 'data', '-o', file];
    const paceMs = await measure(world, argv);
    const whole = readFileSync(file);
    const random = seededNumbers(7);
    let killed = 0;
    for (let round = 0; killed < 2 * deaths && round < 2 * roundsMax; round++) {
      writeFileSync(file, 'older');
      if (await kill(world, argv, random() * paceMs)) killed += 1;
      const now = readFileSync(file);
      expect(now.equals(whole) || now.toString() === 'older').toBe(true);
    }
    expect(killed).toBe(2 * deaths);
    // Leftovers of a dead export do not block the next one.
    expect(await world.cachelane(argv)).toMatchObject({ code: 0 });
    expect(readFileSync(file).equals(whole)).toBe(true);
    await expectTidy(world);
  });

  describe('an import loses nothing, and a second one continues', () => {
    test.each(['an export', 'an archive', 'a directory'])('of %s', async (kind) => {
      using from = openWorld();
      using world = openWorld();
      const file = join(world.dir, 'seed');
      await makeSeed(from, world, { kind, file });
      let paceMs = await measure(world, ['import', file, '--as', 'undisturbed:data']);
      const whole = await seen(world, 'undisturbed');
      const random = seededNumbers(kind.length);
      let killed = 0;
      for (let round = 0; killed < deaths && round < roundsMax; round++) {
        const name = `v${round}`;
        const options = ['-v', `${name}:data`, '--strict'];
        const mine = (await world.run(['sh', '-c', `echo ${name} > data/mine`], { options })).volume(name).layer;
        const argv = ['import', file, '--as', `${name}:data`];
        // Every third round kills late, because the save comes at the end.
        if (await kill(world, argv, (round % 3 === 0 ? 0.7 + 0.3 * random() : random()) * paceMs)) killed += 1;
        // The measured duration was too long, because the machine was busy.
        else paceMs *= 0.7;
        expect((await headsIn(world)).filter(({ layers }) => layers.at(-1) === mine)).toHaveLength(1);
        expect(await world.cachelane(argv)).toMatchObject({ code: 0 });
        expect((await seen(world, name)).replace('./mine\n', '')).toBe(whole);
      }
      expect(killed).toBe(deaths);
      await expectTidy(world);
      expect(existsSync(join(world.dir, 'data'))).toBe(false);
      expect(readdirSync(world.dir).filter((name) => name.endsWith('.new'))).toEqual([]);
    });
  });
});

interface Wanted {
  readonly kind: string;
  readonly file: string;
}

async function makeSeed(from: World, world: World, { kind, file }: Wanted): Promise<void> {
  if (kind === 'an export') {
    await fill(from);
    expect(await from.cachelane(['export', 'data', '-o', file])).toMatchObject({ code: 0 });
    return;
  }
  const names = Array.from({ length: 600 }, (_, i) => `d${i % 30}/${i}`);
  if (kind === 'an archive') {
    const big = Buffer.alloc(6_000_000, 'big');
    writeFileSync(
      file,
      tarArchive([
        { name: 'seed', type: '5', mode: 0o755 },
        ...names.map((name) => ({ name: `seed/${name}`, content: name })),
        { name: 'seed/big', content: big },
      ]),
    );
  } else world.write(Object.fromEntries(names.map((name) => [`seed/${name}`, name])));
}
