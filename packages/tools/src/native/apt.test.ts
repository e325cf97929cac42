import { expect, test } from 'vitest';
import { aptTool } from './apt.ts';
import { environmentOf, ruleOf, type FakeEnvironment } from '../tool-environment.fixture.ts';

test.each([
  ['bash_5.2.37-2+b5_amd64.deb', 'U'],
  ['lock', 'never'],
  ['partial/', 'never'],
  ['partial/bash_5.2.37-2+b5_amd64.deb', 'never'],
  ['notes.deb', 'D count'],
  ['sub/lock', 'D count'],
])('%s: %s', (path, rule) => {
  expect(ruleOf(aptTool, path)).toBe(rule);
});

test.each(['.netrc', 'credentials', 'id_rsa'])('credentials are never stored: %s', (path) => {
  expect(ruleOf(aptTool, path, { [path]: 'secret' })).toBe('never');
});

interface Place extends FakeEnvironment {
  readonly name: string;
  readonly at: string;
}

test.each<Place>([
  { name: 'there is no apt', at: 'undefined (undefined)' },
  { name: 'there is one', files: { '/etc/debian_version': '13.1' }, at: "/var/cache/apt/archives (apt's default)" },
])('finds it when $name', ({ at, ...environment }) => {
  const place = aptTool.locate(environmentOf(environment));
  expect(`${place?.path} (${place?.source})`).toBe(at);
});
