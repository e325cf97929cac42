import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSdkWorld, pathsOf } from './sdk-world.fixture.ts';

test('a namespace that is removed during forks stays removed, and a new save creates it again', async () => {
  await using on = openSdkWorld();
  await on.serve('--keep');
  const directory = on.acme('web');
  const engine = await on.session(directory);
  const [held, fresh] = [engine.cacheVolume('held'), engine.cacheVolume('fresh')];
  {
    await using first = await engine.attach([held]);
    writeFileSync(join(first.directory, 'a'), 'a');
    await first.commit();
  }
  await using ofHeld = await engine.attach([held]);
  await using ofFresh = await engine.attach([fresh]);
  writeFileSync(join(ofHeld.directory, 'b'), 'b');
  writeFileSync(join(ofFresh.directory, 'c'), 'c');
  const namespace = 'github.com/acme/web';
  expect(await on.world.cachelane(['ns', 'rm', namespace], { cwd: directory })).toMatchObject({ code: 0 });
  for (const fork of [ofHeld, ofFresh]) {
    await expect(fork.commit()).rejects.toMatchObject({
      code: 'E_NOT_FOUND',
      message: expect.stringMatching(/^(the head on lane t1:local|the volume) was removed while the command ran$/),
      hint: 'run the command again; it starts with an empty volume; the fork is still open: discard it',
    });
  }
  expect([await held.heads(), await fresh.heads()]).toEqual([[], []]);
  await using again = await engine.attach([held]);
  writeFileSync(join(again.directory, 'd'), 'd');
  expect(await again.commit()).toMatchObject([{ key: 'held', added: 1 }]);
  expect(await pathsOf(held.entries())).toEqual(['d']);
});
