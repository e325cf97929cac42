import { transferFilesConformance } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { becomeOrdinaryUser } from '../files/ordinary-user.fixture.ts';
import { createTransferHome } from './transfer-home.fixture.ts';

becomeOrdinaryUser();

test('the user of these tests is not root', () => {
  expect(process.getuid?.()).not.toBe(0);
});

transferFilesConformance('files of an ordinary user', createTransferHome);
