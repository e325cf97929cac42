import { backgroundVariable } from '@cachelane/core';
import { variables } from '@cachelane/protocol';
import { expect, test } from 'vitest';

test('programs and runs use the same clean-up name', () => {
  expect(variables.background).toBe(backgroundVariable);
});
