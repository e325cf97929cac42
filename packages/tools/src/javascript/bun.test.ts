import { expect, test } from 'vitest';
import { bunTool } from './bun.ts';
import { environmentOf, ruleOf } from '../tool-environment.fixture.ts';

test.each([
  ['left@1.0.0@@@1/', 'U'],
  ['left@1.0.0@@@1/index.js', 'U'],
  ['left@1.0.0@@127.0.0.1__42691fc1e7b4e29a@@@1/lib/', 'U'],
  ['@scope/', 'U'],
  ['@scope/right@2.0.0@@@1/', 'U'],
  ['@scope/right@2.0.0@@@1/index.js', 'U'],
  ['@T@0b1cc2d3e4f5a6b7@@@1/package.json', 'U'],
  ['@GH@acme-app-0a2e69f@@@1/package.json', 'U'],
  ['4b1eb55d807445db.npm', 'L'],
  ['4b1eb55d807445db-2cd714339f8c5bf4.npm', 'L'],
  ['4b1eb55d807445db.git/', 'G 4b1eb55d807445db.git count'],
  ['4b1eb55d807445db.git/objects/pack/pack-1.pack', 'G 4b1eb55d807445db.git count'],
  ['left/', 'never'],
  ['left/1.0.0@@@1', 'never'],
  ['@scope/right/', 'never'],
  ['@scope/right/2.0.0@@127.0.0.1__42691fc1e7b4e29a@@@1', 'never'],
  ['.tmp/', 'never'],
  ['.7fbb3e7dff9fd9fb-00000001.left/package.json', 'never'],
  ['.bun-tmp-7fbb3e7dff9fd9fb/x', 'never'],
  // Packages may contain any file.
  ['left@1.0.0@@@1/.npmrc', 'U'],
  ['left@1.0.0@@@1/.tmp/a.lock', 'U'],
  ['left@1.0.0@@@1/left/1.0.0@@@1', 'U'],
  // Unknown to bun 1.4.
  ['left', 'D count'],
  ['notes.npm', 'D count'],
  ['left/index.js', 'D count'],
  ['@scope/right', 'D count'],
  ['.hidden/', 'D count'],
])('%s: %s', (path, rule) => {
  expect(ruleOf(bunTool, path)).toBe(rule);
});

test.each(['.npmrc', '.bunfig.toml', 'credentials'])('credentials are never stored: %s', (path) => {
  expect(ruleOf(bunTool, path, { [path]: 'secret' })).toBe('never');
});

test('an empty lock is never stored', () => {
  expect(ruleOf(bunTool, 'some.lock', { 'some.lock': '' })).toBe('never');
  expect(ruleOf(bunTool, 'left@1.0.0@@@1/some.lock', { 'left@1.0.0@@@1/some.lock': '' })).toBe('U');
});

test('a directory chosen by a project file is marked', () => {
  const files = { '/home/ann/project/bunfig.toml': '[install.cache]\ndir = ".cache"\n' };
  expect(bunTool.locate(environmentOf({ files }))).toEqual({
    path: '/home/ann/project/.cache',
    source: 'the cache in /home/ann/project/bunfig.toml',
    byProject: true,
  });
});
