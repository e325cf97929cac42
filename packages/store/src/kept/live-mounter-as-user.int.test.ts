import { mounterConformance } from '@cachelane/testkit';
import { becomeOrdinaryUser } from '../files/ordinary-user.fixture.ts';
import { createKeptHome } from './kept-home.fixture.ts';
import { openLiveMounter } from './live-mounter.ts';

becomeOrdinaryUser();

mounterConformance('live, of an ordinary user', async () => await createKeptHome(openLiveMounter), {
  randomRuns: 30,
  exact: false,
});
