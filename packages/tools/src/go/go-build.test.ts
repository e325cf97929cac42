import { expect, test } from 'vitest';
import { goBuildTool } from './go-build.ts';
import { environmentOf, ruleOf, type FakeEnvironment } from '../tool-environment.fixture.ts';

const id = `8c${'0f'.repeat(31)}`;

test.each([
  ['8c/', 'U'],
  [`8c/${id}-a`, 'L far-future'],
  [`8c/${id}-d`, 'U far-future'],
  [`8c/${id}-d/`, 'U far-future'],
  [`8c/${id}-d/server`, 'U far-future'],
  ['trim.txt', 'L'],
  ['testexpire.txt', 'L'],
  ['README', 'never'],
  ['fuzz/', 'U'],
  ['fuzz/example.test/a/FuzzX/27cdff40acfa86d3', 'U'],
  // Unknown to Go 1.24.
  [`8d/${id}-a`, 'D count'],
  [`8c/${id}-a/`, 'D count'],
  [`8c/${id}-a/x`, 'D count'],
  [`8c/${id}-z`, 'D count'],
  ['8c/README', 'D count'],
  ['index.db', 'D count'],
  ['8c', 'D count'],
])('%s: %s', (path, rule) => {
  expect(ruleOf(goBuildTool, path)).toBe(rule);
});

const settings = '/home/ann/.config/go/env';

interface Place extends FakeEnvironment {
  readonly name: string;
  readonly at: string;
}

test.each<Place>([
  { name: 'nothing is set', at: "/home/ann/.cache/go-build (Go's default)" },
  { name: 'XDG sets it', env: { XDG_CACHE_HOME: '/x' }, at: "/x/go-build (Go's default)" },
  { name: 'it is macOS', os: 'darwin', at: "/home/ann/Library/Caches/go-build (Go's default)" },
  {
    name: 'the environment sets it',
    env: { GOCACHE: '/g' },
    files: { [settings]: 'GOCACHE=/f' },
    at: '/g (GOCACHE in the environment)',
  },
  { name: 'go env -w set it', files: { [settings]: '# no\nGOCACHE=/f\n' }, at: `/f (GOCACHE in ${settings})` },
  {
    name: 'the settings file is elsewhere',
    env: { XDG_CONFIG_HOME: '/x' },
    files: { '/x/go/env': 'GOCACHE=/f' },
    at: '/f (GOCACHE in /x/go/env)',
  },
  { name: 'GOENV names the settings', env: { GOENV: '/e' }, files: { '/e': 'GOCACHE=/f' }, at: '/f (GOCACHE in /e)' },
  {
    name: 'GOENV is off',
    env: { GOENV: 'off' },
    files: { [settings]: 'GOCACHE=/f' },
    at: "/home/ann/.cache/go-build (Go's default)",
  },
])('finds the build cache when $name', ({ at, ...environment }) => {
  const place = goBuildTool.locate(environmentOf(environment));
  expect(`${place?.path} (${place?.source})`).toBe(at);
});

test.each([{ GOCACHE: 'off' }, { GOCACHE: 'relative' }, { XDG_CACHE_HOME: 'relative' }])(
  'finds none where Go refuses to build: %j',
  (env) => {
    expect(goBuildTool.locate(environmentOf({ env }))).toBe(null);
  },
);
