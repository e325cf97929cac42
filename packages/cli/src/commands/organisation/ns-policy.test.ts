import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mergeRequestOfFork, stage, type Stage } from '../../fixtures/staged-host.fixture.ts';

interface Said {
  readonly namespace: string;
  readonly policy: Readonly<
    Record<string, { readonly value: number | null; readonly unit: string; readonly source: string }>
  >;
}

const dayMs = 86_400_000;

async function policyOf(on: Stage, ...argv: readonly string[]): Promise<Said> {
  const before = on.out().length;
  expect(await on.cachelane('ns', 'policy', ...argv, '--json'), on.err()).toBe(0);
  return JSON.parse(on.out().slice(before)) as Said;
}

function ownFile(on: Stage, text: string): string {
  const path = join(on.dir, '.config/cachelane/config.yaml');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

describe('ns policy', () => {
  test('sets and removes values for a namespace and those below it, with their sources', async () => {
    using on = stage();
    const path = ownFile(on, 'policy:\n  keep-pr: 2d\n  store-size: 10GB\n');
    await policyOf(on, 'github.com/acme', 'keep-branch=5d', 'volume-size=1GiB');
    const web = await policyOf(on, 'github.com/acme/web');
    expect(web).toMatchObject({
      namespace: 'github.com/acme/web',
      policy: {
        'keep-branch': { value: 5 * dayMs, unit: 'ms', source: 'cachelane ns policy github.com/acme' },
        'volume-size': { value: 2 ** 30, unit: 'bytes' },
        'keep-pr': { value: 2 * dayMs, source: `${path}:2` },
        'store-size': { value: 10e9, source: `${path}:3` },
        'keep-release': { value: null, source: 'default' },
        'history-generations': { value: 20, unit: 'count' },
      },
    });
    const back = await policyOf(on, '--unset', 'keep-branch', 'github.com/acme');
    expect(back.policy['keep-branch']).toMatchObject({ value: 14 * dayMs, source: 'default' });
    expect(back.policy['volume-size']?.value).toBe(2 ** 30);
  });

  test('a budget is set for all volumes or those of a name', async () => {
    using on = stage();
    ownFile(on, 'policy:\n  volume-budget: 9GB\n  volume-budget:npm: 8GB\n');
    const said = await policyOf(on, 'github.com/acme', 'volume-budget:go-build=2GiB');
    expect(said.policy).toMatchObject({
      'volume-budget': { value: 9e9, unit: 'bytes' },
      'volume-budget:go-build': { value: 2 ** 31, source: 'cachelane ns policy github.com/acme' },
      'volume-budget:npm': { value: 8e9, unit: 'bytes' },
    });
    await on.cachelane('ns', 'policy', 'github.com/acme/web');
    expect(on.out()).toMatch(/^volume-budget:go-build +2GiB .* the size of volume go-build on one lane$/m);
    const back = await policyOf(on, 'github.com/acme', '--unset', 'volume-budget:go-build');
    expect(back.policy['volume-budget:go-build']).toBe(undefined);
  });

  test("uses the project's namespace by default", async () => {
    using on = stage();
    writeFileSync(join(on.project, 'cachelane.yaml'), 'namespace: github.com/acme/web');
    expect((await policyOf(on, 'keep-pr=1d')).namespace).toBe('github.com/acme/web');
    expect((await policyOf(on)).policy['keep-pr']?.value).toBe(dayMs);
    expect(await on.cachelane('ns', 'policy')).toBe(0);
    expect(on.out()).toMatch(/^keep-pr +1d {2}cachelane ns policy github\.com\/acme\/web +lanes of pull requests$/m);
  });

  test('is shown but not set if a run may not save', async () => {
    using on = stage({ env: mergeRequestOfFork });
    for (const change of [['keep-default=0'], ['--unset', 'keep-pr']]) {
      expect(await on.cachelane('ns', 'policy', 'github.com/acme/web', ...change)).toBe(2);
      expect(on.err()).toContain('may not be written here');
    }
    expect(await on.metadata.listPolicies(new AbortController().signal)).toEqual([]);
    expect((await policyOf(on, 'github.com/acme/web')).policy['keep-default']?.source).toBe('default');
  });

  test.each([
    [['volume-budget:=1GB'], 'there is no policy "volume-budget:"'],
    [['volume-budget:a/b=1GB'], 'there is no policy "volume-budget:a/b"'],
    [['volume-budget:npm=soon'], 'volume-budget:npm must be like 500MB, 10GiB or none, not "soon"'],
    [['keep-moon=1d'], 'there is no policy "keep-moon"'],
    [['keep-pr=soon'], 'keep-pr must be like 12h, 30d or none, not "soon"'],
    [['catalog-names=maybe'], 'catalog-names must be one of refuse, warn, any, not "maybe"'],
    [['store-size=1GB'], 'store-size applies to the whole store'],
    [['--unset', 'keep-p'], 'there is no policy "keep-p"; did you mean keep-pr?'],
    [['a/b', 'c/d'], 'one namespace at a time'],
  ])('%j is refused, and nothing is set', async (argv, why) => {
    using on = stage();
    expect(await on.cachelane('ns', 'policy', ...argv)).toBe(2);
    expect(on.err()).toContain(why);
    expect(await on.metadata.listPolicies(new AbortController().signal)).toEqual([]);
  });
});

test('warns about a namespace that does not exist yet', async () => {
  using on = stage();
  expect(await on.cachelane('ns', 'policy', 'nope/nope')).toBe(0);
  expect(on.err()).toBe('');
  expect(await on.cachelane('ns', 'policy', 'nope/nope', 'keep-default=3d')).toBe(0);
  expect(on.err()).toContain('there is no namespace nope/nope yet');
});

describe('policy in files', () => {
  test('the repository lowers and never raises limits, and explain shows it', async () => {
    using on = stage();
    const yaml = 'namespace: github.com/acme/web\npolicy:\n  keep-default: 1d\n  volume-size: 2GB\n';
    writeFileSync(join(on.project, 'cachelane.yaml'), yaml);
    await policyOf(on, 'volume-size=1GB');
    expect(await on.cachelane('explain', '--verbose', 'npm')).toBe(0);
    expect(on.out()).toMatch(
      /^kept: +1d after its last use \(keep-default, cachelane\.yaml:3\); volume-size 1GB \(cachelane ns policy github\.com\/acme\/web\)$/m,
    );
  });

  test('a repository cannot set store policies or invalid values', async () => {
    using on = stage();
    writeFileSync(join(on.project, 'cachelane.yaml'), 'policy:\n  free-space: 1GB\n  keep-pr: soon\n  keep-p: 1d\n');
    expect(await on.cachelane('explain', '--verbose', 'npm')).not.toBe(0);
    expect(on.err()).toContain('cachelane.yaml:2:3: free-space applies to the whole store');
    expect(on.err()).toContain('cachelane.yaml:3:12: keep-pr must be like 12h, 30d or none, not "soon"');
    expect(on.err()).toContain('cachelane.yaml:4:3: unknown key "keep-p"; did you mean keep-pr?');
  });
});
