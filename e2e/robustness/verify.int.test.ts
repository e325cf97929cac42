import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LayerId } from '@cachelane/core';
import { requireCommands } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { openWorld, type World } from '../cli.fixture.ts';
import { expectWholeHeads, headsIn, layerDir } from './store.fixture.ts';

const save = async (world: World, name: string, script: string): Promise<LayerId> => {
  const run = await world.run(['sh', '-c', script], { options: ['-v', `${name}:${name}`] });
  return run.volume(name).layer as LayerId;
};

requireCommands('bwrap', 'flock')('verify', () => {
  test('names what is damaged or missing and the heads it hurts; --repair drops that and nothing else', async () => {
    using world = openWorld();
    const good = await save(world, 'data', 'echo 1 > data/one');
    const flipped = await save(world, 'data', 'echo 2 > data/two');
    const gone = await save(world, 'other', 'echo 3 > other/three');
    const whole = await world.cachelane(['verify']);
    expect(whole).toMatchObject({ code: 0, stdout: '3 layers verified: all is as it was saved\n' });

    const file = join(layerDir(world, flipped), 'tree/two');
    // The same length and, for whoever looks at nothing else, the same file.
    writeFileSync(file, readFileSync(file, 'utf8').replace('2', '!'));
    rmSync(layerDir(world, gone), { recursive: true });
    const before = await headsIn(world);
    for (const args of [['verify'], ['verify', '--repair', '--dry-run']]) {
      const told = await world.cachelane(args);
      expect(told.code).toBe(1);
      expect(told.stdout).toContain(`layer ${flipped.slice(0, 12)} is damaged, saved by run_`);
      expect(told.stdout).toMatch(/^ {2}two .*$/m);
      expect(told.stdout).toMatch(/^ {2}in \S+:data t1:local$/m);
      expect(told.stdout).toContain(`layer ${gone.slice(0, 12)} is missing, saved by run_`);
      expect(told.stdout).toMatch(/^ {2}in \S+:other t1:local$/m);
      expect(told.stdout).not.toContain(good.slice(0, 12));
    }
    expect(await headsIn(world)).toEqual(before);

    expect(await world.json(['verify', '--repair'])).toMatchObject({
      checked: 2,
      repaired: true,
      damaged: expect.arrayContaining([
        expect.objectContaining({
          layer: flipped,
          missing: false,
          heads: [expect.objectContaining({ volume: 'data' })],
        }),
        expect.objectContaining({ layer: gone, missing: true, heads: [expect.objectContaining({ volume: 'other' })] }),
      ]) as unknown,
    });
    expect((await world.cachelane(['verify'])).stdout).toBe('1 layer verified: all is as it was saved\n');
    await expectWholeHeads(world);
    const left = await world.run(['sh', '-c', 'ls data'], { options: ['-v', 'data:data', '--strict'] });
    expect(left.stdout).toBe('one\n');
  });
});
