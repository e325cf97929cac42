import { layerStoreConformance } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { createLayerHome } from './layer-home.fixture.ts';
import { becomeOrdinaryUser } from '../files/ordinary-user.fixture.ts';

becomeOrdinaryUser();

test('the user of these tests is not root', () => {
  expect(process.getuid?.()).not.toBe(0);
});

layerStoreConformance('files of an ordinary user', createLayerHome);
