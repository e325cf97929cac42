import * as fs from 'node:fs';
import { attachRequest, dyingProcess, SimulatedCrash } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openCloneMounter } from './clone-mounter.ts';
import { createKeptHome, type KeptHome } from './kept-home.fixture.ts';
import { KeptSlots } from '../slots/kept-slots.ts';
import { noAbort } from './kept-runs.fixture.ts';
import { openLiveMounter } from './live-mounter.ts';

// What a lane's first run leaves if it dies before it has a directory. No later run cleans up if the volume is deleted.

const lanesIn = ({ dir }: KeptHome): readonly string[] =>
  fs.existsSync(`${dir}/kept`) ? fs.readdirSync(`${dir}/kept`).filter((name) => /^(clone|live)-/.test(name)) : [];

/** Removes everything, like a collection without limits. */
async function removeAll({ mounter }: KeptHome): Promise<void> {
  await mounter.removeKept(await mounter.listKept(noAbort), noAbort);
}

describe.each([
  ['clone', openCloneMounter],
  ['live', openLiveMounter],
])('the first run of a lane, in a directory of %s', (name, openMounter) => {
  test('that dies at any step leaves only what removal deletes', async () => {
    await using home = await createKeptHome(openMounter);
    let crashes = 0;
    for (let operation = 1, done = false; !done; operation++) {
      const life = dyingProcess({ operation, when: 'before' });
      const mounter = home.open(life.wrap(home.files));
      const request = attachRequest(home, { reach: 'setting' });
      try {
        const volume = await mounter.attach(request, noAbort);
        await volume.release(noAbort);
        done = true;
      } catch (error) {
        if (!(error instanceof SimulatedCrash) && !((error as Error).cause instanceof SimulatedCrash)) throw error;
        crashes++;
      }
      await home.mounter.discardSession(request.sessionId, noAbort);
      await removeAll(home);
      expect(lanesIn(home)).toEqual([]);
    }
    expect(crashes).toBeGreaterThan(5);
  });

  test('that has not finished is not disturbed', async () => {
    await using home = await createKeptHome(openMounter);
    const slots = new KeptSlots(`${home.dir}/kept`, `${name}-${'0'.repeat(24)}`, { files: home.files, bootId: 'boot' });
    const guard = await slots.guard(noAbort);
    const removing = removeAll(home);
    slots.slot(0).addUser('somebody', 'run_x' as never);
    guard[Symbol.dispose]();
    await removing;
    expect(slots.slot(0).users()).toEqual(['somebody']);
    slots.slot(0).removeUser('somebody');
    await removeAll(home);
    expect(lanesIn(home)).toEqual([]);
  });
});
