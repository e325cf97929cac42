import { requireCommands, runtimeConformance } from '@cachelane/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { createRuntimeFixture } from './conformance.fixture.ts';
import { sudoProblem } from '../chain/sudo-problem.ts';
import { allowSudo } from './sudo-rule.fixture.ts';
import { becomeOrdinaryUser } from './world.fixture.ts';

const rule = allowSudo();
becomeOrdinaryUser();
afterAll(() => rule.remove());

test('the user of these tests is not root', () => {
  expect(process.getuid?.()).not.toBe(0);
});

requireCommands(
  'sudo',
  'unshare',
  'setpriv',
  'perl',
)('processes of an ordinary user, mounted through sudo', () => {
  describe.runIf(sudoProblem() === null)('where it asks for no password', () => {
    runtimeConformance('process', async () => await createRuntimeFixture('sudo'));
  });
});
