import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { stage } from '../../fixtures/staged-host.fixture.ts';

afterEach(() => void vi.unstubAllEnvs());

test('a demo with an unexpected result fails and leaves no files', async () => {
  // Stands for cachelane: every call succeeds and prints nothing.
  using on = stage({ env: { PATH: process.env['PATH'] ?? '' }, program: ['true'] });
  const tmp = join(on.dir, 'tmp');
  mkdirSync(tmp);
  vi.stubEnv('TMPDIR', tmp);
  expect(await on.cachelane('demo')).toBe(1);
  expect(on.out()).toMatch(/^1\. Two projects, one name for a volume\n/);
  expect(on.out()).not.toContain('as told');
  expect(on.err()).toContain('expected the output "0", not ""');
  expect(on.err()).toContain('cachelane doctor');
  expect(readdirSync(tmp)).toEqual([]);
});

test('a demo without a usable TMPDIR names the variable', async () => {
  using on = stage({ env: { PATH: process.env['PATH'] ?? '' }, program: ['true'] });
  vi.stubEnv('TMPDIR', join(on.dir, 'none'));
  expect(await on.cachelane('demo')).toBe(1);
  expect(on.err()).toBe(
    `cachelane: cannot create a directory in ${on.dir}/none (ENOENT)\n  set TMPDIR to a directory that you can write to\n`,
  );
  expect(on.out()).toBe('');
});

test('the story of an organisation needs a clone', async () => {
  using on = stage({ env: { PATH: process.env['PATH'] ?? '' }, program: ['true'] });
  expect(await on.cachelane('demo', 'organisation')).toBe(1);
  expect(on.err()).toContain(
    'needs a clone of the repository, and this program is not in one\n  call ./cachelane demo',
  );
  expect(await on.cachelane('demo', 'organization')).toBe(2);
  expect(on.err()).toContain('there is no story organization; did you mean organisation?');
});

test('a page is played in a copy up to the first unexpected result', async () => {
  using on = stage();
  const [tmp, clone] = [join(on.dir, 'tmp'), join(on.dir, 'clone')];
  for (const dir of [tmp, join(clone, 'dist'), join(clone, 'examples/organisation/web')])
    mkdirSync(dir, { recursive: true });
  const program = join(clone, 'dist/cachelane.cjs');
  writeFileSync(program, '#!/bin/sh\necho "called $*"; echo "cachelane: said" >&2\n', { mode: 0o755 });
  const page =
    'web$ cachelane ls | cat\ncalled ls\ncachelane: s…\nweb$ touch made && exit 3\nexit code 4\nweb$ never\n';
  writeFileSync(
    join(clone, 'examples/organisation/README.md'),
    `# A\n\n## B\n\nText.\n\n\`\`\`console\n${page}\`\`\`\n`,
  );
  using playing = stage({ env: { PATH: process.env['PATH'] ?? '' }, program: [program] });
  vi.stubEnv('TMPDIR', tmp);
  expect(await playing.cachelane('demo', 'organisation')).toBe(1);
  expect(playing.out()).toBe(
    '1. B\n\n   Text.\n\n   web$ cachelane ls | cat\n     called ls\n     cachelane: said\n   web$ touch made && exit 3\n     exit code 3\n',
  );
  expect(playing.err()).toContain('touch made && exit 3: expected exit code 4, not 3');
  expect(readdirSync(join(clone, 'examples/organisation/web'))).toEqual([]);
  expect(readdirSync(tmp)).toEqual([]);
});
