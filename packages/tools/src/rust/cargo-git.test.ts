import { expect, test } from 'vitest';
import { cargoGitTool } from './cargo-git.ts';
import { environmentOf, ruleOf, type FakeEnvironment } from '../tool-environment.fixture.ts';

test.each([
  ['db/', 'U'],
  ['db/left-0a1b/HEAD', 'G db/left-0a1b count'],
  ['checkouts/left-0a1b/9f/Cargo.toml', 'never'],
  ['CACHEDIR.TAG', 'U'],
  ['other/checkouts/x', 'D count'],
])('%s: %s', (path, rule) => {
  expect(ruleOf(cargoGitTool, path)).toBe(rule);
});

test.each(['.netrc', 'credentials', 'id_rsa'])('credentials are never stored: %s', (path) => {
  expect(ruleOf(cargoGitTool, path, { [path]: 'secret' })).toBe('never');
});

interface Place extends FakeEnvironment {
  readonly name: string;
  readonly at: string;
}

test.each<Place>([{ name: 'nothing is set', at: "/home/ann/.cargo/git (cargo's default)" }])(
  'finds it when $name',
  ({ at, ...environment }) => {
    const place = cargoGitTool.locate(environmentOf(environment));
    expect(`${place?.path} (${place?.source})`).toBe(at);
  },
);
