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
  test('--repair removes nothing that a running command uses', async () => {
    using world = openWorld();
    const layer = await save(world, 'data', 'for i in 1 2 3 4 5; do echo $i > data/$i; done');
    const file = join(layerDir(world, layer), 'tree/3');
    writeFileSync(file, '!\n');
    const run = world.startRun(
      ['sh', '-ec', 'echo ready; read line; ls data | wc -l; cat data/5; echo new > data/new'],
      {
        options: ['-v', 'data:data'],
        input: null,
      },
    );
    await run.said('ready');
    expect((await world.cachelane(['verify', '--repair'])).code).toBe(0);
    run.child.stdin?.end('go\n');
    const ended = await run.finished;
    expect(ended).toMatchObject({ code: 0, stdout: 'ready\n5\n5\n' });
    expect(ended.volume('data')).toMatchObject({ added: 1, skipped: null });
  });

  test('names damaged and missing layers and their heads; --repair removes only those', async () => {
    using world = openWorld();
    const good = await save(world, 'data', 'echo 1 > data/one');
    const flipped = await save(world, 'data', 'echo 2 > data/two');
    const gone = await save(world, 'other', 'echo 3 > other/three');
    const whole = await world.cachelane(['verify']);
    expect(whole).toMatchObject({ code: 0, stdout: '3 layers verified: no damage found\n' });

    const file = join(layerDir(world, flipped), 'tree/two');
    // The same length and, without a digest check, the same file.
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
    const after = await world.cachelane(['verify']);
    expect(after).toMatchObject({ code: 0 });
    expect(after.stdout).toMatch(/2 layers verified: 1 cannot be used, and no head names any of them\n$/);
    await expectWholeHeads(world);
    const left = await world.run(['sh', '-c', 'ls data'], { options: ['-v', 'data:data', '--strict'] });
    expect(left.stdout).toBe('one\n');
  });
});
