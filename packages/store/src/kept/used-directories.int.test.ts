import type { AttachedVolume } from '@cachelane/core';
import { attachRequest } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { openCloneMounter } from './clone-mounter.ts';
import { createKeptHome } from './kept-home.fixture.ts';
import { dirOf, noAbort } from './kept-runs.fixture.ts';
import { openLiveMounter } from './live-mounter.ts';

const other = { clone: openLiveMounter, live: openCloneMounter };

test.each([
  ['clone', openCloneMounter, 2],
  ['live', openLiveMounter, 1],
] as const)('directories of %s are listed with the sessions that use them', async (name, open, dirs) => {
  await using home = await createKeptHome(open);
  const first = attachRequest(home, { reach: 'setting' });
  const requests = [first, attachRequest(home, { reach: 'setting', kept: first.kept })];
  const volumes: AttachedVolume[] = [];
  for (const request of requests) volumes.push(await home.mounter.attach(request, noAbort));
  const once = await home.mounter.attach(attachRequest(home, { reach: 'setting', kept: null }), noAbort);
  const used = await home.mounter.listUsed(noAbort);
  const wanted = requests.map(({ sessionId, kept }, index) => {
    const { mount } = volumes[index] ?? expect.fail('the volume is not attached');
    return { session: sessionId, volume: kept?.volume, lane: kept?.lane, dir: dirOf({ mount }).replace(/\/tree$/, '') };
  });
  expect(new Set(used)).toEqual(new Set(wanted));
  expect(new Set(used.map(({ dir }) => dir)).size).toBe(dirs);
  // Each mounter lists only its own.
  expect(await other[name]({ dir: home.dir, bootId: 'boot' }).listUsed(noAbort)).toEqual([]);
  // Users from before a reboot do not count.
  expect(await open({ dir: home.dir, bootId: 'another boot' }).listUsed(noAbort)).toEqual([]);
  for (const each of [...volumes, once]) await each.release(noAbort);
  expect(await home.mounter.listUsed(noAbort)).toEqual([]);
});
