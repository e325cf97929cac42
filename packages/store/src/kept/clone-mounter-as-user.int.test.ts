import { mounterConformance } from '@cachelane/testkit';
import { becomeOrdinaryUser } from '../files/ordinary-user.fixture.ts';
import { openCloneMounter } from './clone-mounter.ts';
import { lastingThreads } from '../filling/fill.fixture.ts';
import { createKeptHome } from './kept-home.fixture.ts';

becomeOrdinaryUser();

mounterConformance('clone, of an ordinary user', async () => await createKeptHome(openCloneMounter), {
  randomRuns: 40,
});

const fill = await lastingThreads();
mounterConformance(
  'clone, of an ordinary user, by threads',
  async () => await createKeptHome((options) => openCloneMounter({ ...options, fill })),
  { randomRuns: 20 },
);
