import { expect, test } from 'vitest';
import { npmTool } from './npm.ts';
import { ruleOf } from '../tool-environment.fixture.ts';

test.each([
  ['_cacache/', 'U'],
  ['_cacache/index-v5/', 'A'],
  ['_cacache/index-v5/00/95/1d151469', 'A'],
  ['_cacache/content-v2/sha512/bf/69/0311ee', 'U'],
  ['_cacache/_lastverified', 'L'],
  ['_cacache/tmp/', 'never'],
  ['_cacache/tmp/0b1c-git-clone/package.json', 'never'],
  ['_logs/2026-11-24T14_44_11_122Z-debug-0.log', 'never'],
  ['_npx/', 'never'],
  ['_npx/1bf7c3/node_modules/cowsay/package.json', 'never'],
  ['_locks/staging.lock', 'never'],
  ['_update-notifier-last-checked', 'never'],
  ['anonymous-cli-metrics.json', 'never'],
  ['_prebuilds/a1b2c3-sharp.tar.gz', 'U'],
  ['_libvips/libvips-8.15.tar.br', 'U'],
  ['_tuf/', 'U'],
  ['_tuf/tuf-repo-cdn.sigstore.dev/root.json', 'G _tuf/tuf-repo-cdn.sigstore.dev count'],
  ['_tuf/tuf-repo-cdn.sigstore.dev/targets/', 'G _tuf/tuf-repo-cdn.sigstore.dev count'],
  // Names apply only in their own directory.
  ['_prebuilds/_logs', 'U'],
  ['_cacache/content-v2/tmp', 'U'],
])('%s: %s', (path, rule) => {
  expect(ruleOf(npmTool, path)).toBe(rule);
});

test.each([
  '_cacache/index-v6/00/95/1d15',
  '_cacache/content-v3/sha512/aa',
  '_cacache/index-v4/00/11/22',
  '_cacache/database',
])('another format version gets the rule for unknown directories: %s', (path) => {
  expect(ruleOf(npmTool, path)).toBe('D count');
});

test.each(['lock', '_prebuilds/some.lock'])('an empty lock file is never stored: %s', (path) => {
  expect(ruleOf(npmTool, path, { [path]: '' })).toBe('never');
  expect(ruleOf(npmTool, path, { [path]: 'x' })).toBe('U');
});

test('an index that is a database is one group', () => {
  const files = { '_cacache/index-v6/db': 'SQLite format 3\0…', '_cacache/index-v6/db-wal': '…' };
  expect(ruleOf(npmTool, '_cacache/index-v6/db-wal', files)).toBe('G _cacache/index-v6/db count');
});
