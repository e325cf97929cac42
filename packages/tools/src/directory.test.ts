import { expect, test } from 'vitest';
import { credentialPaths, directoryTool } from './directory.ts';
import { tools } from './registry.ts';
import { environmentOf, ruleOf } from './tool-environment.fixture.ts';

const magic = 'SQLite format 3\0and more';

test.each([
  ['a/', 'D count'],
  ['a/b.txt', 'D count'],
  ['yarn.lock', 'D count'],
  ['flake.lock/', 'D count'],
  ['cache.db', 'G cache.db count'],
  ['cache.db-wal', 'G cache.db count'],
  ['cache.db-journal', 'G cache.db count'],
  ['cache.db-shm', 'never'],
  ['a/lock', 'never'],
  ['a/.lock', 'never'],
  ['a/x.lock', 'never'],
  // Only what is empty is a lock, and only what belongs to a database is its log.
  ['a/clock', 'D count'],
  ['notes-wal', 'D count'],
  ['notes-shm', 'D count'],
  ['a/-wal', 'D count'],
  ['short.db', 'D count'],
])('%s: %s', (path, rule) => {
  const files = {
    'a/b.txt': 'b',
    'yarn.lock': '# yarn',
    'cache.db': magic,
    'cache.db-wal': 'w',
    'cache.db-journal': 'j',
    'cache.db-shm': 's',
    'a/lock': '',
    'a/.lock': '',
    'a/x.lock': '',
    'a/clock': '',
    notes: 'text',
    'notes-wal': 'w',
    'notes-shm': 's',
    'a/-wal': 'w',
    'short.db': 'SQLite',
  };
  expect(ruleOf(directoryTool, path, files)).toBe(rule);
});

test.each([
  '.npmrc',
  '.netrc',
  '.ssh/',
  '.ssh/id_ed25519',
  '.docker/config.json',
  '.config/gcloud/credentials.db',
  '.cargo/credentials.toml',
])('credentials are never stored, in the volume of no tool: %s', (path) => {
  for (const tool of tools) expect([tool.name, ruleOf(tool, path)]).toEqual([tool.name, 'never']);
});

test.each([
  'template/.npmrc',
  'node_modules/x/.ssh/id_rsa',
  'credentials.js',
  '.docker/',
  '.npmrc.example',
  '.config/gcloud/configurations/config_default',
])('the same names elsewhere are contents: %s', (path) => {
  expect(ruleOf(directoryTool, path)).toBe('D count');
});

test('the list of credentials is sorted paths', () => {
  expect([...credentialPaths]).toEqual([...credentialPaths].toSorted());
  for (const path of credentialPaths) expect(path).toMatch(/^[^/].*[^/]$/);
});

test('only like machines share what is not known', () => {
  expect(directoryTool.compat(environmentOf({ os: 'darwin' }))).toEqual({ os: 'darwin', arch: 'x64' });
  expect(directoryTool.locate(environmentOf())).toBe(null);
});
