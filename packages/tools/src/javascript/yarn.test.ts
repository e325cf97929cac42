import { expect, test } from 'vitest';
import { environmentOf, ruleOf } from '../tool-environment.fixture.ts';
import { yarnTool } from './yarn.ts';

test.each([
  ['cache/', 'U'],
  ['cache/left-npm-1.0.0-812ad14604-10c0.zip', 'U'],
  ['cache/@scope-right-npm-2.0.0-c84e06fc5a-10c0.zip', 'U'],
  ['cache/left-patch-9a37c08dd5-8.zip', 'U'],
  ['cache/left-npm-1.0.0-812ad14604-10c0.zip-4f2a.tmp', 'never'],
  ['cache/left-npm-1.0.0-812ad14604-10c0.flock', 'never'],
  ['metadata/', 'U'],
  ['metadata/npm/a3cd44/127.0.0.1/@scope-right-5.json', 'L'],
  ['metadata/npm/a3cd44/registry.yarnpkg.com/left.json', 'L'],
  ['metadata/npm/a3cd44/registry.yarnpkg.com/left.json-4f2a.tmp', 'never'],
  ['index/', 'never'],
  ['index/0f/', 'never'],
  ['telemetry.json', 'never'],
  // Unknown to yarn 4.
  ['cache/left.zip', 'D count'],
  ['cache/index/', 'D count'],
  ['cache/telemetry.json', 'D count'],
  ['cache-v2/left-npm-1.0.0-812ad14604-10c0.zip', 'D count'],
  ['metadata/npm/README', 'D count'],
  ['releases/yarn-4.18.1.cjs', 'D count'],
])('%s: %s', (path, rule) => {
  expect(ruleOf(yarnTool, path)).toBe(rule);
});

test.each(['.yarnrc.yml', '.npmrc'])('credentials are never stored: %s', (path) => {
  expect(ruleOf(yarnTool, path, { [path]: 'secret' })).toBe('never');
  expect(ruleOf(yarnTool, `cache/${path}`)).toBe('D count');
});

const lockfile = '/home/ann/project/yarn.lock';

test.each([
  ['# yarn lockfile v1\n\n\nleft@^1.0.0:\n  version "1.0.0"\n', null],
  ['# This file is generated\n\n__metadata:\n  version: 8\n', '/home/ann/.yarn/berry'],
  ['', '/home/ann/.yarn/berry'],
])('with the lockfile %j it is %s', (text, path) => {
  expect(yarnTool.locate(environmentOf({ files: { [lockfile]: text } }))?.path ?? null).toBe(path);
});

test('an empty setting gives no directory, since yarn would use the project', () => {
  expect(yarnTool.locate(environmentOf({ env: { YARN_GLOBAL_FOLDER: '' } }))).toBe(null);
});

test('a directory chosen by a project file is marked, one of the user is not', () => {
  const project = { '/home/ann/project/.yarnrc.yml': 'globalFolder: ./.yarn/global' };
  expect(yarnTool.locate(environmentOf({ files: project }))).toMatchObject({ byProject: true });
  const user = { '/home/ann/.yarnrc.yml': 'globalFolder: /var/cache/yarn' };
  expect(yarnTool.locate(environmentOf({ files: user }))).toEqual({
    path: '/var/cache/yarn',
    source: 'globalFolder in /home/ann/.yarnrc.yml',
  });
});
