import { expect, test } from 'vitest';
import { credentialNames, credentialPaths, directoryTool } from './directory.ts';
import { tools } from '../registry.ts';
import { environmentOf, ruleOf } from '../tool-environment.fixture.ts';

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
  // Only empty files are locks, and only a database's companion is its log.
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
])('credentials are never stored in any tool’s volume: %s', (path) => {
  for (const tool of tools) expect([tool.name, ruleOf(tool, path)]).toEqual([tool.name, 'never']);
});

test.each([
  'template/.npmrc',
  'node_modules/x/.ssh/id_rsa',
  'credentials.js',
  '.docker/',
  '.npmrc.example',
  '.config/gcloud/configurations/config_default',
])('the same names elsewhere are stored: %s', (path) => {
  expect(ruleOf(directoryTool, path)).toBe('D count');
});

test.each<readonly [string, string]>([
  ['credentials', '[default]'],
  ['credentials.toml', '[registry]'],
  ['credentials.db', 'x'],
  ['id_rsa', 'x'],
  ['id_ed25519', 'x'],
  ['work', '-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl'],
  ['key.pem', '-----BEGIN PRIVATE KEY-----\nMIIE'],
  ['config.json', '{ "auths" : { "ghcr.io": { "auth": "eA==" } } }'],
  ['settings.xml', '<settings><servers><server><password>x</password></server></servers></settings>'],
  ['settings-security.xml', '<settingsSecurity/>'],
  ['private-keys-v1.d/', ''],
  ['private-keys-v1.d/A1.key', 'x'],
  ['hosts.yml', 'github.com:'],
  ['application_default_credentials.json', '{}'],
  ['access_tokens.db', 'x'],
])('nor in a volume that is the tool’s own directory: %s', (path, text) => {
  for (const tool of tools) expect([tool.name, ruleOf(tool, path, { [path]: text })]).toEqual([tool.name, 'never']);
});

test.each([
  ['config.json', '{"theme":"dark"}'],
  ['settings.xml', '<settings><localRepository>/m2</localRepository></settings>'],
  ['key.pub', 'ssh-ed25519 AAAA'],
  ['cert.pem', '-----BEGIN CERTIFICATE-----'],
  ['deeper/id_rsa', '-----BEGIN OPENSSH PRIVATE KEY-----'],
])('a file that only looks like a credential is stored: %s', (path, text) => {
  expect(ruleOf(directoryTool, path, { [path]: text })).toBe('D count');
});

test('the list of credentials is sorted paths', () => {
  expect([...credentialNames]).toEqual([...credentialNames].toSorted());
  expect([...credentialPaths]).toEqual([...credentialPaths].toSorted());
  for (const path of credentialPaths) expect(path).toMatch(/^[^/].*[^/]$/);
});

test('unknown directories are shared by machines of the same os and arch', () => {
  expect(directoryTool.compat(environmentOf({ os: 'darwin' }))).toEqual({ os: 'darwin', arch: 'x64' });
  expect(directoryTool.locate(environmentOf())).toBe(null);
});
