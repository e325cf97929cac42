import { expect, test } from 'vitest';
import { goModTool } from './go-mod.ts';
import { environmentOf, ruleOf, type FakeEnvironment } from '../tool-environment.fixture.ts';

const module = 'cache/download/example.test/!a/b/@v';
const clone = `cache/vcs/${'d0'.repeat(32)}`;
const database = 'cache/download/sumdb/sum.golang.org';

test.each([
  ['cache/', 'U'],
  ['cache/download/', 'U'],
  [`${module}/`, 'U'],
  [`${module}/list`, 'A'],
  [`${module}/v1.2.0.info`, 'U'],
  [`${module}/v1.2.0.mod`, 'U'],
  [`${module}/v1.2.0.zip`, `G ${module}/v1.2.0`],
  [`${module}/v1.2.0.ziphash`, `G ${module}/v1.2.0`],
  [`${module}/v0.0.0-20261124144848-0a2e69f28c0f.zip`, `G ${module}/v0.0.0-20261124144848-0a2e69f28c0f`],
  [`${module}/v1.2.0.lock`, 'never'],
  [`${module}/v1.2.0.partial`, 'never'],
  [`${module}/v1.2.0.zip81727123.tmp`, 'never'],
  [`${database}/lookup/example.test/lib@v1.0.0`, 'L'],
  [`${database}/lookup/example.test/lib.lock@v1.0.0`, 'L'],
  [`${database}/tile/8/0/x001/000.p/17`, 'U'],
  ['cache/lock', 'never'],
  ['cache/vcs/', 'U'],
  [`${clone}.info`, `G ${clone} count`],
  [`${clone}.lock`, 'never'],
  [`${clone}/`, `G ${clone} count`],
  [`${clone}/refs/heads/`, `G ${clone} count`],
  [`${clone}/objects/pack/pack-1.pack`, `G ${clone} count`],
  [`${clone}/shallow.lock`, 'never'],
  ['example.test/!a/', 'never'],
  ['example.test/!a/b@v1.2.0/go.mod', 'never'],
  ['example.test/!a/b@v1.2.0/cache/download/x/@v/list', 'never'],
  // Modules may have any name.
  ['cache/download/example.test/vcs.lock/', 'U'],
  ['cache/download/example.test/vcs.lock/@v/v1.0.0.mod', 'U'],
  // Unknown to Go 1.24.
  [`${module}/v1.2.0.cache`, 'D count'],
  ['cache/download/example.test/b/@latest', 'D count'],
  ['cache/vcs/abc', 'D count'],
  ['cache/other/', 'D count'],
  ['cache/download', 'D count'],
])('%s: %s', (path, rule) => {
  expect(ruleOf(goModTool, path)).toBe(rule);
});

const settings = '/home/ann/.config/go/env';

interface Place extends FakeEnvironment {
  readonly name: string;
  readonly at: string;
}

test.each<Place>([
  { name: 'nothing is set', at: "/home/ann/go/pkg/mod (Go's default)" },
  { name: 'GOMODCACHE sets it', env: { GOMODCACHE: '/m', GOPATH: '/g' }, at: '/m (GOMODCACHE in the environment)' },
  { name: 'GOPATH has several', env: { GOPATH: '/g:/h' }, at: '/g/pkg/mod (GOPATH in the environment)' },
  {
    name: 'go env -w set it',
    files: { [settings]: 'GOMODCACHE=/f' },
    env: { GOPATH: '/g' },
    at: `/f (GOMODCACHE in ${settings})`,
  },
  { name: 'go env -w moved GOPATH', files: { [settings]: 'GOPATH=/f' }, at: `/f/pkg/mod (GOPATH in ${settings})` },
])('finds the modules when $name', ({ at, ...environment }) => {
  const place = goModTool.locate(environmentOf(environment));
  expect(`${place?.path} (${place?.source})`).toBe(at);
});

test.each([{ GOMODCACHE: 'relative' }, { GOPATH: 'relative' }, { GOPATH: ':/g' }])(
  'finds none where Go refuses to work: %j',
  (env) => {
    expect(goModTool.locate(environmentOf({ env }))).toBe(null);
  },
);
