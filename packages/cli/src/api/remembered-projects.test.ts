import type { ApiProject, ProjectPlace } from '@cachelane/api';
import { expect, test } from 'vitest';
import { rememberedProjects } from './remembered-projects.ts';

const here: ProjectPlace = { directory: null, namespace: null, environment: null, isConfined: false };

function remembered() {
  const opened: ProjectPlace[] = [];
  const clock = { nowMs: 0 };
  const open = rememberedProjects({ monotonicMs: () => clock.nowMs }, async (place) => {
    opened.push(place);
    return await Promise.resolve({ run: opened.length } as unknown as ApiProject);
  });
  return { open, opened, clock };
}

test('a project is read at most once a second', async () => {
  const { open, opened, clock } = remembered();
  const all = await Promise.all([open(here), open(here), open({ ...here })]);
  clock.nowMs = 999;
  all.push(await open(here));
  expect(new Set(all).size).toBe(1);
  clock.nowMs = 1000;
  expect(await open(here)).not.toBe(all[0]);
  expect(opened).toEqual([here, here]);
});

test('each place is remembered separately', async () => {
  const { open, opened } = remembered();
  const [one, other] = [{ CI: 'true' }, { CI: 'true' }];
  const places = [
    here,
    { ...here, isConfined: true },
    { ...here, directory: '/a' },
    { ...here, environment: one },
    { ...here, environment: other },
  ];
  for (const place of [...places, ...places]) await open(place);
  expect(opened).toEqual(places);
});

test('the number of remembered projects is limited', async () => {
  const { open, opened } = remembered();
  for (let index = 0; index <= 1000; index += 1) await open({ ...here, directory: `/${index}` });
  await open({ ...here, directory: '/1' });
  expect(opened).toHaveLength(1001);
  await open({ ...here, directory: '/0' });
  expect(opened).toHaveLength(1002);
});
