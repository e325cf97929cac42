import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunReport, VolumeReport } from '@cachelane/core';
import { requireCommands } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { openWorld, type Finished, type World } from '../cli.fixture.ts';
import { seedGoBuild } from './go-project.fixture.ts';

// The projects in examples/ by the launcher, as the README says. Only what works without the npm registry: the
// dependencies of examples/web are in it.

const root = join(import.meta.dirname, '../..');

/** Runs `./cachelane ARGV` in the checkout. */
function launch(world: World, ...argv: readonly string[]): Finished {
  return world.exec([join(root, 'cachelane'), ...argv], { cwd: root });
}

requireCommands(
  'bwrap',
  'flock',
  'go',
)('examples/go', () => {
  test('is compiled and tested once', async () => {
    using world = openWorld();
    await seedGoBuild(world, join(root, 'examples/go'));
    const file = join(world.dir, 'report.json');
    const goTest = (): readonly [Finished, VolumeReport | undefined] => {
      const argv = ['run', '-C', 'examples/go', '--report', file, '--', 'go', 'test', '-vet=off', './...'];
      const finished = launch(world, ...argv);
      const { volumes } = JSON.parse(readFileSync(file, 'utf8')) as RunReport;
      // The repository's own lockfile adds a volume of npm.
      expect(volumes.map(({ name }) => name)).toEqual(expect.arrayContaining(['go-build', 'go-mod']));
      return [finished, volumes.find(({ name }) => name === 'go-build')];
    };
    const [first, cold] = goTest();
    expect(first.stdout.match(/^ok /gm)).toHaveLength(2);
    expect(first.stdout).not.toContain('(cached)');
    expect(cold).toMatchObject({ skipped: null, layer: expect.any(String) as string });

    // Go also caches test results: a passed test does not run again.
    const [second, warm] = goTest();
    expect(second.stdout.match(/^ok .*\(cached\)$/gm)).toHaveLength(2);
    expect(warm).toMatchObject({ added: 0, changed: 0, savedBytes: 0, layer: null });
  });
});

requireCommands('bwrap')('examples/web', () => {
  test('gets the volume npm because of its lockfile', () => {
    using world = openWorld();
    const explained: unknown = JSON.parse(launch(world, 'explain', '-C', 'examples/web', 'npm', '--json').stdout);
    expect(explained).toMatchObject({ chosenBy: 'package-lock.json', path: join(world.home, '.npm') });
    const run = launch(world, 'run', '--verbose', '-C', 'examples/web', '--', 'ls', '-A', join(world.home, '.npm'));
    expect(run).toMatchObject({ code: 0, stdout: '' });
    expect(run.stderr).toContain('1 volume: npm');
  });
});
