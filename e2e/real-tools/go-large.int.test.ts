import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { openWorld, type FinishedRun } from '../cli.fixture.ts';
import { compiled, goProject, seedGoBuild } from './go-project.fixture.ts';

// A large build cache. Go updates the time of used files that are older than an hour. That would copy every file up in an
// overlay and change it in a kept directory, so stored times are never that old.

const packages = ['a', 'b', 'c', 'd', 'e'];

requireCommands(
  'bwrap',
  'flock',
  'go',
)('a build cache that is three hours old', () => {
  // A kept directory is filled once per file, whatever the size.
  test.each([
    { mounter: 'overlay', megabytes: 100 },
    { mounter: 'clone', megabytes: 20 },
  ])('of five times $megabytes MB costs nothing to use, attached by $mounter', async ({ mounter, megabytes }) => {
    using world = openWorld();
    const project = goProject(world, 'app', {
      'go.mod': 'module example.com/app\n\ngo 1.21\n',
      ...Object.fromEntries(
        packages.map((name) => [
          `${name}/${name}.go`,
          `package ${name}\n\nimport _ "embed"\n\n//go:embed large\nvar Large string\n`,
        ]),
      ),
    });
    // A compiled package contains its embedded files. Sparse files take no space here.
    for (const name of packages) world.exec(['truncate', '-s', `${megabytes}M`, join(project, name, 'large')]);
    world.exec(['find', project, '-exec', 'touch', '-d', '1 hour ago', '{}', '+']);
    await seedGoBuild(world, project, '3 hours ago');
    const options = ['-v', 'go-build', `--mounter=${mounter}`];
    const build = async (after: string): Promise<FinishedRun> => {
      const script = `go build -x ./... && cache=$(go env GOCACHE) && ${after}`;
      const run = await world.run(['sh', '-ec', script], { options, cwd: project });
      expect(run).toMatchObject({ code: 0 });
      return run;
    };
    const first = await build('find "$cache" -type f -exec touch -d "3 hours ago" {} +');
    expect(compiled(first.stderr)).toEqual(expect.arrayContaining(packages.map((name) => `example.com/app/${name}`)));
    expect(first.volume('go-build').savedBytes).toBeGreaterThan(packages.length * megabytes * 1e6);

    const upper = 'find "$CACHELANE_HOME"/sessions/*/*/upper -type f -printf "%s\\n" 2>/dev/null || :';
    for (const turn of ['second', 'third']) {
      const warm = await build(upper);
      expect(compiled(warm.stderr), turn).toEqual([]);
      const copiedUp = warm.stdout.split('\n').reduce((sum, size) => sum + Number(size), 0);
      expect(copiedUp, turn).toBeLessThan(100_000);
      expect(warm.volume('go-build'), turn).toMatchObject({ changed: 0, removed: 0, layer: null, skipped: null });
    }
    const old = await world.run(['sh', '-ec', 'find "$(go env GOCACHE)" -name "*-[ad]" ! -newermt "1 hour" | wc -l'], {
      options,
      cwd: project,
    });
    expect(old.stdout).toBe('0\n');
  });
});
