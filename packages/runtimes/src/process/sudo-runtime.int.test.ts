import { requireCommands, runtimeConformance } from '@cachelane/testkit';
import { createRuntimeFixture } from './conformance.fixture.ts';

requireCommands(
  'unshare',
  'setpriv',
  'perl',
)('processes of root, mounted by root', () => {
  runtimeConformance('process', async () => await createRuntimeFixture('sudo'));
});
