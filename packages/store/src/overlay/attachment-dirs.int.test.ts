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

/** Makes another run act right after the target was found missing. */
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

test('a directory that another run creates during the check is the target', () => {
  const makeIt = afterMissing(() => mkdirSync(target));
  expect(checkTarget(target, home, makeIt)).toBe(target);
});

test('a symlink that appears during the check is followed', () => {
  const elsewhere = join(root, 'elsewhere');
  mkdirSync(elsewhere);
  const layIt = afterMissing(() => symlinkSync(elsewhere, target));
  expect(checkTarget(target, home, layIt)).toBe(elsewhere);
});

test('a directory that keeps coming and going counts as missing', () => {
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

test('a dangling symlink is refused', () => {
  symlinkSync(join(root, 'nowhere'), target);
  expect(() => checkTarget(target, home)).toThrow('is a dangling symlink');
});
