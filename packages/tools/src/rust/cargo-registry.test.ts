import { expect, test } from 'vitest';
import { cargoRegistryTool } from './cargo-registry.ts';
import { environmentOf, ruleOf, type FakeEnvironment } from '../tool-environment.fixture.ts';

test.each([
  ['cache/', 'U'],
  ['cache/index.crates.io-1949cf8c6b5b557f/', 'U'],
  ['cache/index.crates.io-1949cf8c6b5b557f/left-1.0.0.crate', 'U'],
  ['index/index.crates.io-1949cf8c6b5b557f/config.json', 'U'],
  ['index/index.crates.io-1949cf8c6b5b557f/.cache/', 'U'],
  ['index/index.crates.io-1949cf8c6b5b557f/.cache/le/ft/left', 'L'],
  ['index/github.com-1ecc/.git/HEAD', 'G index/github.com-1ecc count'],
  ['index/github.com-1ecc/.last-updated', 'never'],
  ['index/github.com-1ecc/.cargo-index-lock', 'never'],
  ['CACHEDIR.TAG', 'U'],
  ['src/', 'never'],
  ['src/index.crates.io-1949cf8c6b5b557f/left-1.0.0/src/lib.rs', 'never'],
  ['cache/index.crates.io-1949cf8c6b5b557f/left.txt', 'D count'],
  ['index/index.crates.io-1949cf8c6b5b557f/other', 'D count'],
  ['other/src/x', 'D count'],
])('%s: %s', (path, rule) => {
  expect(ruleOf(cargoRegistryTool, path)).toBe(rule);
});

test.each(['.netrc', 'credentials', 'id_rsa'])('credentials are never stored: %s', (path) => {
  expect(ruleOf(cargoRegistryTool, path, { [path]: 'secret' })).toBe('never');
});

interface Place extends FakeEnvironment {
  readonly name: string;
  readonly at: string;
}

test.each<Place>([
  { name: 'nothing is set', at: "/home/ann/.cargo/registry (cargo's default)" },
  { name: 'CARGO_HOME sets it', env: { CARGO_HOME: '/c' }, at: '/c/registry (CARGO_HOME in the environment)' },
])('finds it when $name', ({ at, ...environment }) => {
  const place = cargoRegistryTool.locate(environmentOf(environment));
  expect(`${place?.path} (${place?.source})`).toBe(at);
});
