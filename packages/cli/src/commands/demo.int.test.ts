import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { stage } from '../staged-host.fixture.ts';

afterEach(() => void vi.unstubAllEnvs());

test('a demo that does not come out as told says so, and leaves nothing', async () => {
  // In place of cachelane: every call ends well and prints nothing.
  using on = stage({ env: { PATH: process.env['PATH'] ?? '' }, program: ['true'] });
  const tmp = join(on.dir, 'tmp');
  mkdirSync(tmp);
  vi.stubEnv('TMPDIR', tmp);
  expect(await on.cachelane('demo')).toBe(1);
  expect(on.out()).toMatch(/^1\. Two projects, one name for a volume\n/);
  expect(on.out()).not.toContain('as told');
  expect(on.err()).toContain('"0" was to be printed, not ""');
  expect(on.err()).toContain('cachelane doctor');
  expect(readdirSync(tmp)).toEqual([]);
});
