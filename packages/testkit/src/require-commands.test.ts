import { expect, test } from 'vitest';
import { requireCommands } from './require-commands.ts';

requireCommands('sh')('with a command that every machine has', () => {
  test('the suite runs', () => {
    expect(true).toBe(true);
  });
});

const missing = requireCommands('sh', 'no-such-command-anywhere');

test('a suite with a missing command is skipped', () => {
  expect(missing).not.toBe(requireCommands('sh'));
});
