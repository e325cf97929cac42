import { expect, test } from 'vitest';
import { turboTool } from './turbo.ts';
import { environmentOf, ruleOf, type FakeEnvironment } from '../tool-environment.fixture.ts';

test.each([
  ['0f1e2d3c4b5a6978.tar.zst', 'G 0f1e2d3c4b5a6978'],
  ['0f1e2d3c4b5a6978-meta.json', 'G 0f1e2d3c4b5a6978'],
  ['0f1e2d3c4b5a6978-manifest.json', 'never'],
  ['.0f1e2d3c4b5a6978.tar.zst.12.tmp', 'never'],
  ['notes.tar.zst', 'D count'],
  ['sub/0f1e2d3c4b5a6978.tar.zst', 'D count'],
])('%s: %s', (path, rule) => {
  expect(ruleOf(turboTool, path)).toBe(rule);
});

test.each(['.netrc', 'credentials', 'id_rsa'])('credentials are never stored: %s', (path) => {
  expect(ruleOf(turboTool, path, { [path]: 'secret' })).toBe('never');
});

interface Place extends FakeEnvironment {
  readonly name: string;
  readonly at: string;
}

test.each<Place>([
  { name: 'there is no project', at: 'undefined (undefined)' },
  {
    name: 'nothing is set',
    workDir: '/home/ann/project/a',
    files: { '/home/ann/project/turbo.json': '{}' },
    at: "/home/ann/project/.turbo/cache (turbo's default)",
  },
  {
    name: 'the project sets it',
    files: { '/home/ann/project/turbo.json': '{\n  "cacheDir": ".cache"\n}' },
    at: '/home/ann/project/.cache (cacheDir in /home/ann/project/turbo.json)',
  },
  { name: 'the environment sets it', env: { TURBO_CACHE_DIR: '/c' }, at: '/c (TURBO_CACHE_DIR in the environment)' },
])('finds it when $name', ({ at, ...environment }) => {
  const place = turboTool.locate(environmentOf(environment));
  expect(`${place?.path} (${place?.source})`).toBe(at);
});
