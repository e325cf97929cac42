import { expect, test } from 'vitest';
import { pipTool } from './pip.ts';
import { environmentOf, ruleOf } from '../tool-environment.fixture.ts';

const hash = 'a5'.repeat(28);
const response = `http-v2/a/5/a/5/a/${hash}`;

test.each([
  ['http-v2/', 'U'],
  ['http-v2/a/5/', 'U'],
  [response, `G ${response}`],
  [`${response}.body`, `G ${response}`],
  [`http/a/5/a/5/a/${hash}`, `G http/a/5/a/5/a/${hash}`],
  [`http-v2/a/5/a/5/a/${hash}ab3_xyz9`, 'never'],
  [`http-v2/a/5/a/5/a/${hash}.bodyab3_xyz9`, 'never'],
  ['http-v2/a/5/a/5/a/tmpab3_xyz9', 'never'],
  ['selfcheck/', 'never'],
  [`selfcheck/${hash}`, 'never'],
  ['selfcheck.json', 'never'],
  ['wheels/', 'U'],
  ['wheels/0f/1a/2b/3c4d5e/left-1.0-cp313-cp313-linux_x86_64.whl', 'U'],
  ['wheels/0f/1a/2b/3c4d5e/origin.json', 'U'],
  // Unknown to pip 25; names apply only in their own directory.
  ['http-v3/a/b', 'D count'],
  ['http-v2/selfcheck', 'D count'],
  ['wheels/selfcheck.json', 'D count'],
  ['wheels/0f/1a/2b/3c4d5e/notes', 'D count'],
])('%s: %s', (path, rule) => {
  expect(ruleOf(pipTool, path)).toBe(rule);
});

test.each(['.netrc', '.pip/pip.conf', '.pypirc'])('credentials are never stored: %s', (path) => {
  expect(ruleOf(pipTool, path, { [path]: 'secret' })).toBe('never');
  expect(ruleOf(pipTool, `wheels/${path}`)).toBe('D count');
});

test.each([
  ['darwin', {}, '/home/ann/Library/Caches/pip'],
  ['win32', { LOCALAPPDATA: 'C:\\Local' }, 'C:\\Local\\pip\\Cache'],
  ['linux', {}, '/home/ann/.cache/pip'],
])('finds the cache on %s', (os, env, path) => {
  expect(pipTool.locate(environmentOf({ os, env }))?.path).toBe(path);
});
