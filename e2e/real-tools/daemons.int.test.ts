import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, worldUsers } from '../cli.fixture.ts';
import { turbo } from './npm-tools.fixture.ts';

// A daemon that a tool leaves behind would write to a volume during its save. A run names and ends it, even if it detached
// from its parent.

const ways = worldUsers.flatMap((user) => (['overlay', 'clone'] as const).map((mounter) => ({ user, mounter })));

requireCommands(
  'bwrap',
  'flock',
  'sccache',
  'gcc',
)('a server of sccache', () => {
  test.each(ways)('is named and ended, and its results are stored: $mounter, as $user', async (way) => {
    const { user, mounter } = way;
    using world = openWorld({ user });
    const cwd = world.project('app', { 'a.c': 'int a(void) { return 1; }\n' });
    const options = ['-v', 'sccache', '--mounter', mounter];
    const socket = `export SCCACHE_SERVER_UDS="$TMPDIR/socket"`;
    const cold = await world.run(['sh', '-ec', `${socket}; sccache gcc -c a.c -o a.o`], { cwd, options });
    expect(cold.code).toBe(0);
    expect(cold.stderr).toMatch(/sccache.*(outlived|ended)|ended.*sccache/s);
    expect(cold.volume('sccache')).toMatchObject({ mounter, skipped: null });
    expect(cold.volume('sccache').added).toBeGreaterThan(0);
    const stats = `${socket}; sccache gcc -c a.c -o b.o; sccache --show-stats | sed -n 's/^Cache hits  *//p'; sccache --stop-server`;
    const warm = await world.run(['sh', '-ec', stats], { cwd, options });
    expect(warm.stdout.split('\n')[0]).toBe('1');
  });

  test('keeps running if asked, and its results so far are saved', async () => {
    using world = openWorld();
    const cwd = world.project('app', { 'a.c': 'int a(void) { return 1; }\n' });
    const socket = `export SCCACHE_SERVER_UDS="$TMPDIR/socket"`;
    const run = await world.run(['sh', '-ec', `${socket}; sccache gcc -c a.c -o a.o`], {
      cwd,
      options: ['-v', 'sccache', '--leave-processes'],
    });
    try {
      expect(run.code).toBe(0);
      expect(run.volume('sccache').added).toBeGreaterThan(0);
    } finally {
      world.exec(['sh', '-c', `${socket}; sccache --stop-server`]);
    }
  });
});

requireCommands(
  'bwrap',
  'git',
  'npm',
)('turbo', () => {
  describe.skipIf(turbo().length === 0)('as published', () => {
    test('leaves a daemon that is named and ended', async () => {
      const [program] = turbo();
      using world = openWorld({ env: { TURBO_TELEMETRY_DISABLED: '1' } });
      const root = { name: 'mono', private: true, workspaces: ['packages/*'], packageManager: 'npm@11.0.0' };
      const cwd = world.project('mono', {
        'package.json': JSON.stringify(root),
        'package-lock.json': JSON.stringify({ name: 'mono', lockfileVersion: 3, packages: { '': root } }),
        'turbo.json': JSON.stringify({ tasks: { build: {} } }),
        'packages/a/package.json': JSON.stringify({ name: 'a', version: '1.0.0', scripts: { build: 'true' } }),
      });
      world.gitInit(cwd, 'https://github.com/acme/mono.git');
      const run = await world.run([...(program?.argv ?? []), 'daemon', 'start'], { cwd, options: ['-v', 'turbo'] });
      expect(run.code).toBe(0);
      expect(run.stderr).toMatch(/turbo/);
      expect(run.stderr).toMatch(/ended|outlived/);
    });
  });
});
