import { mounterConformance } from '@cachelane/testkit';
import { openCloneMounter } from './clone-mounter.ts';
import { lastingThreads } from '../filling/fill.fixture.ts';
import { createKeptHome } from './kept-home.fixture.ts';

mounterConformance('clone', async () => await createKeptHome(openCloneMounter), { randomRuns: 60 });

const fill = await lastingThreads();
mounterConformance(
  'clone, by threads',
  async () => await createKeptHome((options) => openCloneMounter({ ...options, fill })),
  { randomRuns: 30 },
);
