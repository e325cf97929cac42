import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openWorld, worldUsers, type FinishedRun, type World } from '../cli.fixture.ts';
import { compiled, goModule, goProject, seedGoBuild } from './go-project.fixture.ts';

// Go's build cache stays warm at any age, and an unchanged build saves nothing.

const options = ['-v', 'go-build'];
const nothing = {
  added: 0,
  changed: 0,
  removed: 0,
  savedBytes: 0,
  layer: null,
  merged: 0,
  conflicts: [],
  skipped: null,
};

requireCommands(
  'bwrap',
  'flock',
  'go',
)('a warm build', () => {
  describe.each(worldUsers)('as %s', (user) => {
    let world: World;
    let project: string;
    let first: FinishedRun;

    beforeAll(async () => {
      world = openWorld({ user });
      project = goProject(world, 'app', {
        ...goModule('app', ['lib']),
        'main.go': 'package main\n\nimport "example.com/app/lib"\n\nfunc main() { println(lib.Name()) }\n',
      });
      // Compiled two days ago, by the files' times.
      await seedGoBuild(world, project, '2 days ago');
      first = await build();
    });
    afterAll(() => world[Symbol.dispose]());

    async function build(more = 'true'): Promise<FinishedRun> {
      return await world.run(['sh', '-ec', `go build -x -o "$TMPDIR/app" . && ${more}`], { options, cwd: project });
    }

    test('follows a cold build', () => {
      expect(first).toMatchObject({ code: 0 });
      expect(compiled(first.stderr)).toEqual(['example.com/app/lib', 'main']);
      expect(first.volume('go-build')).toMatchObject({ hits: [{ layers: 1 }], skipped: null });
      // An action and an output for each package, and files of the link.
      expect(first.volume('go-build').added).toBeGreaterThanOrEqual(4);
    });

    test('compiles nothing, saves nothing, and copies nothing up', async () => {
      // While the command runs, its writes are in the overlay's upper directory. Go creates missing directories and a missing
      // README.
      const warm = await build(`find "$CACHELANE_HOME"/sessions/*/*/upper -mindepth 1 ! -type d -printf '%P\\n'`);
      expect(warm).toMatchObject({ code: 0, stdout: 'README\n' });
      expect(compiled(warm.stderr)).toEqual([]);
      expect(warm.volume('go-build')).toMatchObject(nothing);
    });

    test('that writes a file shows it in that directory', async () => {
      const upper = `echo > ~/.cache/go-build/new && find "$CACHELANE_HOME"/sessions/*/*/upper -mindepth 1 -printf '%f\\n'`;
      const run = await world.run(['sh', '-ec', upper], { options: [...options, '--mode=read'], cwd: project });
      expect(run).toMatchObject({ code: 0, stdout: 'new\n' });
    });

    test('sees no entry older than an hour, which Go would touch', async () => {
      const script = `find ~/.cache/go-build -type f -name '*-[ad]' ! -newermt '1 hour' | wc -l; find ~/.cache/go-build -name '*-d' | wc -l`;
      const run = await world.run(['sh', '-ec', script], { options, cwd: project });
      const [old, all] = run.stdout.split('\n').map(Number);
      expect(old).toBe(0);
      expect(all).toBeGreaterThan(50);
      expect(run.volume('go-build')).toMatchObject(nothing);
    });

    test('trims nothing from the cache after days', async () => {
      // Once a day, by the time in trim.txt, Go deletes what was unused for five days.
      const count = 'find ~/.cache/go-build -name "*-[ad]" | wc -l';
      const run = await world.run(
        ['sh', '-ec', `${count}; echo 1000000000 > ~/.cache/go-build/trim.txt; go build -o "$TMPDIR/app" .; ${count}`],
        { options, cwd: project },
      );
      const [before, after] = run.stdout.split('\n').map(Number);
      expect(before).toBeGreaterThan(50);
      expect(after).toBe(before);
      expect(run.volume('go-build')).toMatchObject({ removed: 0 });
      expect(compiled((await build()).stderr)).toEqual([]);
    });

    test('leaves no cache directory or link on the host', () => {
      expect(existsSync(join(world.home, '.cache'))).toBe(false);
    });
  });

  test('compiles another target, and both stay warm', async () => {
    using world = openWorld();
    const project = goProject(world, 'app', { 'go.mod': 'module example.com/app\n', 'lib/lib.go': 'package lib\n' });
    const build = async (goos: string): Promise<readonly string[]> => {
      const run = await world.run(['go', 'build', '-x', './lib'], { options, cwd: project, env: { GOOS: goos } });
      expect(run).toMatchObject({ code: 0 });
      return compiled(run.stderr);
    };
    expect(await build('linux')).toEqual(['example.com/app/lib']);
    expect(await build('freebsd')).toEqual(['example.com/app/lib']);
    expect(await build('linux')).toEqual([]);
    expect(await build('freebsd')).toEqual([]);
  });

  test('finds the cache at GOCACHE', async () => {
    using world = openWorld({ env: { GOCACHE: '/nonexistent' } });
    const project = goProject(world, 'app', { 'go.mod': 'module example.com/app\n', 'lib/lib.go': 'package lib\n' });
    const env = { GOCACHE: join(world.home, 'mine') };
    const first = await world.run(['go', 'build', './lib'], { options, cwd: project, env });
    expect(first.volume('go-build')).toMatchObject({ path: env.GOCACHE, skipped: null });
    const second = await world.run(['go', 'build', '-x', './lib'], { options, cwd: project, env });
    expect(second).toMatchObject({ code: 0 });
    expect(compiled(second.stderr)).toEqual([]);
  });
});
