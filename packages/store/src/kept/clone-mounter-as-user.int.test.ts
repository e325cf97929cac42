import { mounterConformance } from '@cachelane/testkit';
import { becomeOrdinaryUser } from '../layers/ordinary-user.fixture.ts';
import { openCloneMounter } from './clone-mounter.ts';
import { createKeptHome } from './kept-home.fixture.ts';

becomeOrdinaryUser();

mounterConformance('clone, of an ordinary user', async () => await createKeptHome(openCloneMounter), {
  randomRuns: 40,
});
