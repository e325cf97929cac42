import { requireCommands } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { openWorld, type World } from '../cli.fixture.ts';
import { seededNumbers } from '../seeded.fixture.ts';

const options = ['-n', 'acme/web', '-v', 'data:data', '--push', 'wait'];

/** Performs four runs. Each is repeated until it is not killed. */
async function work(world: World, name: string, seed: number): Promise<number> {
  const random = seededNumbers(seed);
  let kills = 0;
  for (let number = 0; number < 4;) {
    const script = `mkdir -p data/${name}; echo ${name}.${number} > data/${name}/${number}`;
    const run = world.start(['run', ...options, '--', 'sh', '-ec', script]);
    if (random() < 0.4) void wait(random() * 400).then(() => run.child.kill('SIGKILL'));
    const { code, signal } = await run.finished;
    if (signal === 'SIGKILL') kills++;
    else expect(code).toBe(0);
    if (signal === null) number++;
  }
  return kills;
}

requireCommands('bwrap')('three machines with the bundled CLI and random kills', () => {
  test('find everything that any of them saved, and every home is intact', async () => {
    using place = openWorld();
    const shared = join(place.dir, 'shared');
    mkdirSync(shared);
    const env = { CACHELANE_REMOTE: `dir:${shared}` };
    using one = openWorld({ env });
    using two = openWorld({ env });
    using three = openWorld({ env });
    using newcomer = openWorld({ env });
    const worlds = { one, two, three };
    const kills = await Promise.all(
      Object.entries(worlds).map(async ([name, world], index) => await work(world, name, index + 1)),
    );
    expect(Math.max(...kills)).toBeGreaterThan(0);
    const sent = await newcomer.run(['sh', '-c', 'cat data/*/*'], { options });
    const all = Object.keys(worlds).flatMap((name) => [0, 1, 2, 3].map((number) => `${name}.${number}`));
    expect(sent.stdout.trim().split('\n').toSorted()).toEqual(all.toSorted());
    expect(sent.stderr).not.toContain('warning');
    for (const world of [...Object.values(worlds), newcomer]) {
      expect(await world.cachelane(['verify'])).toMatchObject({ code: 0 });
    }
  });
});
