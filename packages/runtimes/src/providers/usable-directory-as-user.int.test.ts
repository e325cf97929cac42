import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { becomeOrdinaryUser } from '../process/world.fixture.ts';
import { usableDirectory } from './usable-directory.ts';

becomeOrdinaryUser();

let dir = '';
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-usable-')));
});
afterEach(() => {
  chmodSync(join(dir, 'pip'), 0o700);
  rmSync(dir, { recursive: true, force: true });
});

function ofMode(mode: number): string {
  const directory = join(dir, 'pip');
  mkdirSync(directory);
  chmodSync(directory, mode);
  return usableDirectory({ directory, storeDir: join(dir, 'store') });
}

test.each([0o000, 0o500, 0o300, 0o600, 0o077])('refuses a directory of mode %o', (mode) => {
  expect(() => ofMode(mode)).toThrow('is not readable and writable for this user');
});

test('accepts a directory with read, write and enter rights', () => {
  expect(ofMode(0o700)).toBe(join(dir, 'pip'));
});
