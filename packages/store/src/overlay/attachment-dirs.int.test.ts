import { mkdirSync, mkdtempSync, realpathSync, rmdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkTarget } from './attachment-dirs.ts';

let root = '';
let home = '';
let target = '';

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-target-')));
  home = join(root, 'home');
  target = join(root, 'cache');
  mkdirSync(home);
});

afterEach(() => rmSync(root, { recursive: true }));

/** Another run does something right after the target was looked for and not found. */
function afterMissing(step: () => void): (path: string) => string {
  return (path) => {
    try {
      return realpathSync(path);
    } catch (error) {
      if (path === target) step();
      throw error;
    }
  };
}

test('a directory that another run makes while the target is looked at is the target', () => {
  const makeIt = afterMissing(() => mkdirSync(target));
  expect(checkTarget(target, home, makeIt)).toBe(target);
});

test('a symlink that comes meanwhile is followed', () => {
  const elsewhere = join(root, 'elsewhere');
  mkdirSync(elsewhere);
  const layIt = afterMissing(() => symlinkSync(elsewhere, target));
  expect(checkTarget(target, home, layIt)).toBe(elsewhere);
});

test('a directory that comes and goes all the time is taken as one that is to be made', () => {
  const comeAndGo = (path: string): string => {
    if (path !== target) return realpathSync(path);
    rmSync(target, { recursive: true, force: true });
    try {
      return realpathSync(path);
    } finally {
      mkdirSync(target);
    }
  };
  expect(checkTarget(target, home, comeAndGo)).toBe(target);
  rmdirSync(target);
});

test('a symlink that leads nowhere is refused', () => {
  symlinkSync(join(root, 'nowhere'), target);
  expect(() => checkTarget(target, home)).toThrow('is a symlink that leads nowhere');
});
