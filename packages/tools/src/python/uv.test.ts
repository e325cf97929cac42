import { expect, test } from 'vitest';
import { uvTool } from './uv.ts';
import { environmentOf, ruleOf, type FakeEnvironment } from '../tool-environment.fixture.ts';

test.each([
  ['archive-v0/', 'U'],
  ['archive-v0/Ab3xYz/left/__init__.py', 'U'],
  ['wheels-v5/pypi/left/1.0-py3-none-any.http', 'U'],
  ['simple-v16/pypi/left.rkyv', 'U'],
  ['CACHEDIR.TAG', 'U'],
  ['.gitignore', 'U'],
  ['.lock', 'never'],
  ['.tmpAb3xYz/x', 'never'],
  ['builds-v0/.tmpAb/lib/x', 'never'],
  ['interpreter-v4/0a/b.msgpack', 'never'],
  ['environments-v2/left-0a/bin/python', 'never'],
  ['sdists-v9/pypi/left/1.0/abc/left.whl', 'G sdists-v9/pypi/left/1.0 count'],
  ['sdists-v9/pypi/left/1.0/.lock', 'never'],
  ['git-v0/locks/0a', 'never'],
  ['git-v0/db/0a/HEAD', 'G git-v0/db/0a count'],
  ['git-v0/checkouts/0a/b/x', 'never'],
  ['archive-v0/Ab3xYz/left/.lock', 'U'],
  ['archive-v0/Ab3xYz/uv.lock', 'U'],
  ['made-up-v1/x', 'D count'],
  ['archive/x', 'D count'],
])('%s: %s', (path, rule) => {
  expect(ruleOf(uvTool, path)).toBe(rule);
});

test.each(['.netrc', 'credentials', 'id_rsa'])('credentials are never stored: %s', (path) => {
  expect(ruleOf(uvTool, path, { [path]: 'secret' })).toBe('never');
});

interface Place extends FakeEnvironment {
  readonly name: string;
  readonly at: string;
}

test.each<Place>([
  { name: 'nothing is set', at: "/home/ann/.cache/uv (uv's default)" },
  {
    name: 'the environment sets it',
    env: { UV_CACHE_DIR: '/c' },
    files: { '/home/ann/project/uv.toml': 'cache-dir = "/t"' },
    at: '/c (UV_CACHE_DIR in the environment)',
  },
  {
    name: 'the project sets it',
    files: { '/home/ann/project/pyproject.toml': '[tool.uv]\ncache-dir = "./c"' },
    at: '/home/ann/project/c (cache-dir in /home/ann/project/pyproject.toml)',
  },
  {
    name: 'the user sets it',
    files: { '/home/ann/.config/uv/uv.toml': 'cache-dir = "/u"' },
    at: '/u (cache-dir in /home/ann/.config/uv/uv.toml)',
  },
  { name: 'the cache is disabled', env: { UV_NO_CACHE: '1' }, at: 'undefined (undefined)' },
])('finds it when $name', ({ at, ...environment }) => {
  const place = uvTool.locate(environmentOf(environment));
  expect(`${place?.path} (${place?.source})`).toBe(at);
});

test.each([
  [{ uv: '0.12.0' }, '0.12.0'],
  [{ uv: '0.11.9' }, '0.11.9'],
  [{}, 'unknown'],
])('different versions do not share a cache: %j', (versions, uv) => {
  expect(uvTool.compat(environmentOf({ versions }))).toEqual({ os: 'linux', arch: 'x64', uv });
});
