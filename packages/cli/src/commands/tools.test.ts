import { expect, test } from 'vitest';
import { stage } from '../staged-host.fixture.ts';

test('tools lists every tool, and which were tried', async () => {
  using on = stage();
  expect(await on.cachelane('tools')).toBe(0);
  expect(on.out()).toMatch(/^pnpm +pnpm-lock\.yaml +yes +pnpm's store/m);
  expect(on.out()).toMatch(/^uv +uv\.lock +not yet /m);
  expect(on.out()).toMatch(/^ccache +- +yes /m);
});

test('tools show says it for a command here', async () => {
  using on = stage({ env: { CCACHE_DIR: '/elsewhere' } });
  expect(await on.cachelane('tools', 'show', 'ccache')).toBe(0);
  expect(on.out()).toMatch(/^lies at: +\/elsewhere \(CCACHE_DIR in the environment\)$/m);
  expect(on.out()).toMatch(/^moved by: +CCACHE_DIR$/m);
  expect(on.out()).toContain('CCACHE_MAXSIZE=0');
});

test('tools show of what is none', async () => {
  using on = stage();
  expect(await on.cachelane('tools', 'show', 'pnpn')).toBe(1);
  expect(on.err()).toContain('no tool is called pnpn; did you mean pnpm?');
});

test('as JSON', async () => {
  using on = stage();
  expect(await on.cachelane('tools', 'show', 'pnpm', '--json')).toBe(0);
  expect(JSON.parse(on.out())).toMatchObject({ name: 'pnpm', linksOut: true, tried: 'real tool', commitWhen: 'exit' });
});
