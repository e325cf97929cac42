import { expect, test } from 'vitest';
import { stage } from '../../fixtures/staged-host.fixture.ts';

test('tools lists every tool with its prune command, sync and test status', async () => {
  using on = stage();
  expect(await on.cachelane('tools')).toBe(0);
  expect(on.out()).toMatch(/^pnpm +pnpm-lock\.yaml +- +always +real tool +pnpm's store/m);
  expect(on.out()).toMatch(/^uv +uv\.lock +yes +always +(?!real)/m);
  expect(on.out()).toMatch(/^apt +- +yes +never +real tool /m);
});

test('tools show uses the environment here', async () => {
  using on = stage({ env: { CCACHE_DIR: '/elsewhere' } });
  expect(await on.cachelane('tools', 'show', 'ccache')).toBe(0);
  expect(on.out()).toMatch(/^lies at: +\/elsewhere \(CCACHE_DIR in the environment\)$/m);
  expect(on.out()).toMatch(/^moved by: +CCACHE_DIR$/m);
  expect(on.out()).toContain('CCACHE_MAXSIZE=0');
});

test('tools show of an unknown tool', async () => {
  using on = stage();
  expect(await on.cachelane('tools', 'show', 'pnpn')).toBe(1);
  expect(on.err()).toContain('there is no tool pnpn; did you mean pnpm?');
});

test('as JSON', async () => {
  using on = stage();
  expect(await on.cachelane('tools', 'show', 'pnpm', '--json')).toBe(0);
  expect(JSON.parse(on.out())).toMatchObject({
    name: 'pnpm',
    linksOut: true,
    tried: 'real tool',
    commitWhen: 'exit',
    prune: { kind: 'none' },
    sync: 'always',
    stored: [{ mergeClass: 'U', removals: 'when pruned' }, { mergeClass: 'Q' }, {}, {}],
    neverStored: expect.arrayContaining([
      { path: 'v11/projects/', why: 'projects of this machine that use the store' },
    ]),
  });
});

test('tools show lists stored and never stored paths with their rules', async () => {
  using on = stage();
  expect(await on.cachelane('tools', 'show', 'npm')).toBe(0);
  expect(on.out()).toMatch(/^saved: +when the command ended by itself, with any exit code$/m);
  expect(on.out()).toMatch(/^pruned by: +npm cache verify: removes contents without an index line/m);
  expect(on.out()).toMatch(/^sync: +always: worth pushing$/m);
  expect(on.out()).toMatch(/^versions: +directories carry the version/m);
  expect(on.out()).toMatch(/^_cacache\/content-v2\S+ \S.* +U +union by name +when used +when pruned +kept$/m);
  expect(on.out()).toMatch(/^_cacache\/index-v5\S+ \S.* +A +union of lines +never /m);
  expect(on.out()).toMatch(/^_cacache\/tmp\/ +temporary files$/m);
});

test.each([
  ['go-build', /^00\/<64 hex>-a .* set far ahead$/m],
  ['pnpm', /^pruned by: +nothing: pnpm store prune keeps only .* use cachelane rm and cachelane gc/m],
  ['sccache', /^daemon: +its server, limited by SCCACHE_IDLE_TIMEOUT=5$/m],
  ['bazel', /^daemon: +its server, which is ended with the command$/m],
  ['cargo-target', /^saved: +when the exit code is 0$/m],
  ['cargo-target', /^sync: +never: /m],
  ['uv', /^tried: +NOT /m],
])('tools show %s: %s', async (name, line) => {
  using on = stage();
  expect(await on.cachelane('tools', 'show', name)).toBe(0);
  expect(on.out()).toMatch(line);
});
