import { expect, test } from 'vitest';
import { pnpmTool } from './pnpm.ts';
import { environmentOf, ruleOf, type FakeEnvironment } from '../tool-environment.fixture.ts';

const digest = 'a5'.repeat(63);

test.each([
  ['v10/', 'U'],
  ['v10/files/', 'U'],
  ['v10/files/0f/', 'U'],
  [`v10/files/0f/${digest}`, 'U'],
  [`v10/files/0f/${digest}-exec`, 'U'],
  [`v10/files/0f/${digest}_tmp_4711_0`, 'never'],
  [`v10/files/0f/${digest}-exec_tmp_4711_0`, 'never'],
  ['v10/index/', 'U'],
  ['v10/index/0f/', 'U'],
  ['v10/index/0f/12ab-left@1.0.0.json', 'L'],
  ['v10/index/0f/12ab-left@1.0.0.json4711', 'never'],
  ['v10/git+ssh+++example.test+a+b/integrity.json', 'L'],
  ['v10/git+ssh+++example.test+a+b/integrity-not-built.json', 'L'],
  ['v10/projects/', 'never'],
  ['v10/projects/cb1b5dd2238a62744daf4a1cacbaa926', 'never'],
  ['v10/links/left/1.0.0/ab/node_modules/left/index.js', 'never'],
  ['v10/server/server.json', 'never'],
  ['v10/tmp/_tmp_12_ab/package.json', 'never'],
  ['v11/', 'U'],
  [`v11/files/0f/${digest}`, 'U'],
  ['v11/index.db', 'Q'],
  ['v11/index.db-wal', 'never'],
  ['v11/index.db-shm', 'never'],
  ['v11/index.db-journal', 'never'],
  ['v11/projects/e8789bbff3a3741e304e75a28a72974f', 'never'],
  ['v11/.tmp/pnpm-12.0.0-1/package.json', 'never'],
  ['v11/tarball-Ab3xYz/', 'never'],
  ['v11/tarball-Ab3xYz/0', 'never'],
  ['v11/download-Ab3xYz/package.tgz', 'never'],
  // The volume is the directory of one format.
  ['files/0f/', 'U'],
  [`files/0f/${digest}`, 'U'],
  ['index.db', 'Q'],
  ['index.db-wal', 'never'],
  ['index/0f/12ab-left@1.0.0.json', 'L'],
  ['projects/cb1b5dd2238a62744daf4a1cacbaa926', 'never'],
  // Unknown to pnpm 10 to 12; names apply only in their own directory.
  ['v3/', 'D count'],
  [`v3/files/0f/${digest}`, 'D count'],
  ['v12/index.db', 'D count'],
  ['v12/projects/x', 'D count'],
  ['v10/index.db', 'D count'],
  ['v11/index/0f/12ab-left@1.0.0.json', 'D count'],
  ['v11/index.fallback', 'D count'],
  ['v10/files/projects', 'D count'],
  ['v10/files/0f/short', 'D count'],
  ['v11/files/tarball-Ab3xYz', 'D count'],
  ['v11/tarball-of-mine', 'D count'],
])('%s: %s', (path, rule) => {
  expect(ruleOf(pnpmTool, path)).toBe(rule);
});

test('a database of a newer format is one group with its log', () => {
  const files = { 'v12/index.db': 'SQLite format 3\0…', 'v12/index.db-wal': '…' };
  expect(ruleOf(pnpmTool, 'v12/index.db', files)).toBe('G v12/index.db count');
  expect(ruleOf(pnpmTool, 'v12/index.db-wal', files)).toBe('G v12/index.db count');
});

test.each(['.npmrc', '.config/pnpm/auth.ini', 'id_ed25519'])('credentials are never stored: %s', (path) => {
  expect(ruleOf(pnpmTool, path, { [path]: 'secret' })).toBe('never');
});

interface Place extends FakeEnvironment {
  readonly name: string;
  readonly at: string;
}

const manifest = '/home/ann/project/package.json';

test.each<Place>([
  { name: 'nothing is set', at: "/home/ann/.local/share/pnpm/store (pnpm's default)" },
  { name: 'nothing is set on macOS', os: 'darwin', at: "/home/ann/Library/pnpm/store (pnpm's default)" },
  {
    name: 'the project asks for pnpm 10',
    files: { [manifest]: '{"packageManager":"pnpm@10.1.0+sha512.ab"}' },
    env: { npm_config_store_dir: '/s', PNPM_CONFIG_STORE_DIR: '/t' },
    at: '/s (npm_config_store_dir in the environment)',
  },
  {
    name: 'pnpm 10 is installed',
    files: { '/opt/node/lib/node_modules/pnpm/package.json': '{"version":"10.34.9"}' },
    env: { PATH: '/usr/bin:/opt/node/bin', npm_config_store_dir: '/s', PNPM_CONFIG_STORE_DIR: '/t' },
    at: '/s (npm_config_store_dir in the environment)',
  },
  {
    name: 'pnpm 11 is installed',
    files: { '/home/ann/project/node_modules/pnpm/package.json': '{"version":"11.0.0"}' },
    env: { PATH: '/home/ann/project/node_modules/.bin', npm_config_store_dir: '/s', PNPM_CONFIG_STORE_DIR: '/t' },
    at: '/t (PNPM_CONFIG_STORE_DIR in the environment)',
  },
  {
    name: 'a manifest is broken',
    files: { [manifest]: '{' },
    at: "/home/ann/.local/share/pnpm/store (pnpm's default)",
  },
])('finds the store when $name', ({ at, ...environment }) => {
  const place = pnpmTool.locate(environmentOf(environment));
  expect(`${place?.path} (${place?.source})`).toBe(at);
});

test('a directory chosen by a project file is marked', () => {
  const files = { '/home/ann/project/pnpm-workspace.yaml': 'storeDir: ../store' };
  expect(pnpmTool.locate(environmentOf({ files }))).toEqual({
    path: '/home/ann/store',
    source: 'storeDir in /home/ann/project/pnpm-workspace.yaml',
    byProject: true,
  });
});
