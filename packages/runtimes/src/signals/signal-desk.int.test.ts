import { expect, test } from 'vitest';
import { openSignalDesk } from './signal-desk.ts';

test('a signal that Node has not delivered yet counts as received', async () => {
  using desk = openSignalDesk([]);
  expect(await desk.received()).toBeNull();
  process.kill(process.pid, 'SIGHUP');
  expect(await desk.received()).toBe('SIGHUP');
});
