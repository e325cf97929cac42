import { mounterConformance } from '@cachelane/testkit';
import { openCloneMounter } from './clone-mounter.ts';
import { createKeptHome } from './kept-home.fixture.ts';

mounterConformance('clone', async () => await createKeptHome(openCloneMounter), { randomRuns: 60 });
