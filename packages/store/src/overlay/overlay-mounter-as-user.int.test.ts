import { mounterConformance, requireCommands } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { becomeOrdinaryUser } from '../files/ordinary-user.fixture.ts';
import { createOverlayHome } from './overlay-home.fixture.ts';

becomeOrdinaryUser();

requireCommands('bwrap')('overlays in real mounts of an ordinary user', () => {
  test('the user of these tests is not root', () => {
    expect(process.getuid?.()).not.toBe(0);
  });

  mounterConformance('overlay', () => createOverlayHome(), { randomRuns: 25 });
});
