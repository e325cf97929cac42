import { expect, test } from 'vitest';
import { openSignalDesk } from './signal-desk.ts';

test('a signal that Node has not handed over yet is among those that came', async () => {
  using desk = openSignalDesk([]);
  expect(await desk.received()).toBeNull();
  process.kill(process.pid, 'SIGHUP');
  expect(await desk.received()).toBe('SIGHUP');
});
