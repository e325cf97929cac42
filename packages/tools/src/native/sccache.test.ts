import { expect, test } from 'vitest';
import { sccacheTool } from './sccache.ts';
import { environmentOf, ruleOf, type FakeEnvironment } from '../tool-environment.fixture.ts';

test.each([
  ['0/a/a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5', 'U'],
  ['0/', 'U'],
  ['0/a/', 'U'],
  ['preprocessor/', 'U'],
  ['preprocessor/0/a/5/a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5', 'U'],
  ['0/a/.sccachetmpAb3xYz', 'never'],
  ['.sccachetmpAb3xYz', 'never'],
  ['0/a/short', 'D count'],
  ['0/a/5/a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5', 'D count'],
  ['0a/x', 'D count'],
  ['lock', 'D count'],
])('%s: %s', (path, rule) => {
  expect(ruleOf(sccacheTool, path)).toBe(rule);
});

test.each(['.netrc', 'credentials', 'id_rsa'])('credentials are never stored: %s', (path) => {
  expect(ruleOf(sccacheTool, path, { [path]: 'secret' })).toBe('never');
});

interface Place extends FakeEnvironment {
  readonly name: string;
  readonly at: string;
}

test.each<Place>([
  { name: 'nothing is set', at: "/home/ann/.cache/sccache (sccache's default)" },
  {
    name: 'the user sets it',
    files: { '/home/ann/.config/sccache/config': '[cache.disk]\ndir = "/s"' },
    at: '/s (cache.disk.dir in /home/ann/.config/sccache/config)',
  },
  { name: 'the environment sets it', env: { SCCACHE_DIR: '/c' }, at: '/c (SCCACHE_DIR in the environment)' },
])('finds it when $name', ({ at, ...environment }) => {
  const place = sccacheTool.locate(environmentOf(environment));
  expect(`${place?.path} (${place?.source})`).toBe(at);
});
