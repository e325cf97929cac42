import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { openWorld, worldUsers } from '../cli.fixture.ts';
import { atOnce, savedNothing } from './at-once.fixture.ts';

const options = ['-v', 'ccache'];
const units = ['base', 'left', 'right'] as const;
const sources = Object.fromEntries(
  units.map((name) => [`${name}.c`, `#include "${name}.h"\nint ${name}(void) { return ${name.length}; }\n`]),
);
const headers = Object.fromEntries(units.map((name) => [`${name}.h`, `int ${name}(void);\n`]));

/** Compiles, then prints the result of each compilation from ccache's log. */
function compile(...names: readonly string[]): readonly string[] {
  const lines = names.map((name) => `ccache gcc -c ${name}.c -o "$TMPDIR/${name}.o"`);
  return ['sh', '-ec', [...lines, 'cat "$CCACHE_STATSLOG"; rm "$CCACHE_STATSLOG"'].join('\n')];
}

function results(stdout: string): readonly string[] {
  return stdout.split('\n').filter((line) => /^(?:direct_cache_hit|preprocessed_cache_hit|cache_miss)$/.test(line));
}

requireCommands(
  'bwrap',
  'ccache',
  'gcc',
)('ccache', () => {
  test.each(worldUsers)('two runs at once each compile a file, and neither is compiled again, as %s', async (user) => {
    using world = openWorld({ user });
    world.env['CCACHE_STATSLOG'] = join(world.dir, 'tmp', 'log');
    const cwd = world.project('app', { ...sources, ...headers });
    // ccache does not trust headers that are as new as the compilation.
    world.exec(['sh', '-c', 'touch -d "1 hour ago" -- *'], { cwd });
    const cold = await world.run(compile('base'), { cwd, options });
    expect(results(cold.stdout)).toEqual(['cache_miss']);
    expect(cold.volume('ccache')).toMatchObject({ path: join(world.home, '.cache/ccache'), hits: [], skipped: null });

    const jobs = (['left', 'right'] as const).map((name) => {
      const [shell = '', flag = '', script = ''] = compile('base', name);
      return { cwd, argv: [shell, flag, `export CCACHE_STATSLOG="$TMPDIR/log-${name}"\n${script}`], options };
    });
    for (const run of await atOnce(world, jobs)) {
      expect(results(run.stdout)).toEqual(['direct_cache_hit', 'cache_miss']);
      // A result and a manifest.
      expect(run.volume('ccache')).toMatchObject({
        hits: [{ layers: 1 }],
        changed: 0,
        removed: 0,
        conflicts: [],
        skipped: null,
      });
    }

    const warm = await world.run(compile(...units), { cwd, options });
    expect(results(warm.stdout)).toEqual(['direct_cache_hit', 'direct_cache_hit', 'direct_cache_hit']);
    expect(warm.volume('ccache')).toMatchObject({ hits: [{ layers: 3 }], ...savedNothing });
    expect(existsSync(join(world.home, '.cache/ccache'))).toBe(false);
  });

  test('a result that two runs store at once is no conflict', async () => {
    using world = openWorld();
    const cwd = world.project('app', { ...sources, ...headers });
    world.exec(['sh', '-c', 'touch -d "1 hour ago" -- *'], { cwd });
    const argv = ['sh', '-ec', 'sleep "$1"; ccache gcc -c base.c -o "$TMPDIR/base-$1.o"', 'sh'];
    // One second apart, so that the stored times differ.
    const runs = await atOnce(world, [
      { cwd, argv: [...argv, '0'], options },
      { cwd, argv: [...argv, '1.1'], options },
    ]);
    for (const run of runs) expect(run.volume('ccache')).toMatchObject({ hits: [], conflicts: [], skipped: null });
  });
});
