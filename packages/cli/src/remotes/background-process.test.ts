import { backgroundVariable } from '@cachelane/core';
import { variables } from '@cachelane/protocol';
import { expect, test } from 'vitest';

test('programs know what tidies up in a store by the same name as runs', () => {
  expect(variables.background).toBe(backgroundVariable);
});
