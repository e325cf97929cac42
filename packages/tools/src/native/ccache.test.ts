import { expect, test } from 'vitest';
import { ccacheTool } from './ccache.ts';
import { environmentOf, ruleOf, type FakeEnvironment } from '../tool-environment.fixture.ts';

const hash = 'd4gt3sctqmq534426paa2isd3ku3fsk';

test.each([
  ['6/', 'U'],
  ['6/0/', 'U'],
  [`6/0/${hash}M`, 'L'],
  [`6/0/${hash}R`, 'L'],
  [`6/0/a/${hash}R`, 'L'],
  [`6/0/${hash}0W`, 'U'],
  ['6/CACHEDIR.TAG', 'U'],
  ['CACHEDIR.TAG', 'U'],
  ['6/stats', 'never'],
  ['6/0/stats', 'never'],
  [`6/0/${hash}R.tmp.Ab3xYz`, 'never'],
  ['tmp/', 'never'],
  ['tmp/inode-cache-64.v2', 'never'],
  ['lock/', 'never'],
  ['lock/auto_cleanup.lock', 'never'],
  ['ccache.conf', 'never'],
  // Unknown to ccache 4.11; names apply only in their own directory.
  ['6/tmp', 'D count'],
  ['6/0/short', 'D count'],
  ['ab/', 'D count'],
  [`6/0/${hash}X`, 'D count'],
  ['stats', 'D count'],
])('%s: %s', (path, rule) => {
  expect(ruleOf(ccacheTool, path)).toBe(rule);
});

test.each(['.netrc', 'credentials', 'id_rsa'])('credentials are never stored: %s', (path) => {
  expect(ruleOf(ccacheTool, path, { [path]: 'secret' })).toBe('never');
});

interface Place extends FakeEnvironment {
  readonly name: string;
  readonly at: string;
}

test.each<Place>([
  { name: 'nothing is set', at: "/home/ann/.cache/ccache (ccache's default)" },
  { name: 'nothing is set on macOS', os: 'darwin', at: "/home/ann/Library/Caches/ccache (ccache's default)" },
  {
    name: 'a legacy directory exists',
    files: { '/home/ann/.ccache/ccache.conf': '' },
    at: '/home/ann/.ccache (~/.ccache, which exists)',
  },
  { name: 'a place is relative', env: { CCACHE_DIR: 'cache' }, at: 'undefined (undefined)' },
])('finds the cache when $name', ({ at, ...environment }) => {
  const place = ccacheTool.locate(environmentOf(environment));
  expect(`${place?.path} (${place?.source})`).toBe(at);
});
