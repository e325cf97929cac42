import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { openWorld, worldUsers } from '../cli.fixture.ts';
import { atOnce, savedNothing } from './at-once.fixture.ts';

const options = ['-v', 'sccache'];
const units = ['base', 'left', 'right'] as const;
const sources = Object.fromEntries(
  units.map((name) => [`${name}.c`, `int ${name}(void) { return ${name.length}; }\n`]),
);

/** Compiles with its own server, then stops it. Prints the numbers of hits and misses. */
function compile(...names: readonly string[]): readonly string[] {
  const lines = names.map((name) => `sccache gcc -c ${name}.c -o "$TMPDIR/${names.join('-')}-${name}.o"`);
  const stop = `sccache --stop-server | sed -n 's/^Cache \\(hits\\|misses\\) *\\([0-9]*\\)$/\\1 \\2/p'`;
  return ['sh', '-ec', [`export SCCACHE_SERVER_UDS="$TMPDIR/${names.join('-')}.sock"`, ...lines, stop].join('\n')];
}

requireCommands(
  'bwrap',
  'sccache',
  'gcc',
)('sccache', () => {
  test.each(worldUsers)('two runs at once each compile a file, and neither is compiled again, as %s', async (user) => {
    using world = openWorld({ user });
    const cwd = world.project('app', sources);
    const cold = await world.run(compile('base'), { cwd, options });
    expect(cold.stdout).toBe('hits 0\nmisses 1\n');
    expect(cold.volume('sccache')).toMatchObject({
      path: join(world.home, '.cache/sccache'),
      hits: [],
      skipped: null,
    });

    const jobs = (['left', 'right'] as const).map((name) => ({ cwd, argv: compile('base', name), options }));
    for (const run of await atOnce(world, jobs)) {
      expect(run.stdout).toBe('ready\nhits 1\nmisses 1\n');
      expect(run.volume('sccache')).toMatchObject({
        hits: [{ layers: 1 }],
        removed: 0,
        conflicts: [],
        skipped: null,
      });
    }

    const warm = await world.run(compile(...units), { cwd, options });
    expect(warm.stdout).toBe('hits 3\nmisses 0\n');
    expect(warm.volume('sccache')).toMatchObject({ hits: [{ layers: 3 }], ...savedNothing });
    expect(existsSync(join(world.home, '.cache/sccache'))).toBe(false);
  });
});
