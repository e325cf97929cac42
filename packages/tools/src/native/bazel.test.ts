import { expect, test } from 'vitest';
import { bazelTool } from './bazel.ts';
import { environmentOf, ruleOf, type FakeEnvironment } from '../tool-environment.fixture.ts';

test.each([
  ['ac/', 'U'],
  ['cas/0f/', 'U'],
  ['cas/0f/0fa5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5', 'U'],
  ['ac/0f/0fa5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5', 'U'],
  ['tmp/x', 'never'],
  ['gc/lock', 'never'],
  ['cas/0f/a50f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f', 'D count'],
  ['cas/tmp', 'D count'],
])('%s: %s', (path, rule) => {
  expect(ruleOf(bazelTool, path)).toBe(rule);
});

test.each(['.netrc', 'credentials', 'id_rsa'])('credentials are never stored: %s', (path) => {
  expect(ruleOf(bazelTool, path, { [path]: 'secret' })).toBe('never');
});

interface Place extends FakeEnvironment {
  readonly name: string;
  readonly at: string;
}

test.each<Place>([
  { name: 'none is configured', files: { '/home/ann/project/MODULE.bazel': '' }, at: 'undefined (undefined)' },
  {
    name: 'the project sets it',
    files: {
      '/home/ann/project/MODULE.bazel': '',
      '/home/ann/project/.bazelrc': 'test --disk_cache=/t\nbuild --jobs=4 --disk_cache=/d',
    },
    at: '/d (--disk_cache in /home/ann/project/.bazelrc)',
  },
  {
    name: 'the user sets it',
    files: { '/home/ann/.bazelrc': 'common --disk_cache=~/d' },
    at: '/home/ann/d (--disk_cache in /home/ann/.bazelrc)',
  },
])('finds it when $name', ({ at, ...environment }) => {
  const place = bazelTool.locate(environmentOf(environment));
  expect(`${place?.path} (${place?.source})`).toBe(at);
});
