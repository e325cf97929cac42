import { requireCommands, runtimeConformance } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { createRuntimeFixture } from './conformance.fixture.ts';
import { becomeOrdinaryUser } from './world.fixture.ts';

becomeOrdinaryUser();

test('the user of these tests is not root', () => {
  expect(process.getuid?.()).not.toBe(0);
});

requireCommands('bwrap', 'flock')('processes of an ordinary user', () => {
  runtimeConformance('process', createRuntimeFixture);
});

requireCommands('flock')('processes of an ordinary user, with nothing mounted', () => {
  runtimeConformance('process', async () => await createRuntimeFixture('in place'));
});
