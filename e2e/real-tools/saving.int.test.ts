import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { openWorld, type FinishedRun, type World } from '../cli.fixture.ts';
import { compiled, goModule, goProject, seedGoBuild } from './go-project.fixture.ts';

// When a run saves, and how options change that.

/** Runs a shell script with an unknown directory `cache`. */
async function run(world: World, script: string, ...options: readonly string[]): Promise<FinishedRun> {
  return await world.run(['sh', '-c', script], { options: ['-v', 'data:cache', ...options] });
}

async function contents(world: World): Promise<string> {
  return (await run(world, 'ls -A cache', '--mode=read')).stdout;
}

requireCommands(
  'bwrap',
  'flock',
  'go',
)('a go test that fails', () => {
  test('keeps what it compiled', async () => {
    using world = openWorld();
    const project = goProject(world, 'app', {
      ...goModule('app', ['lib']),
      'lib/lib_test.go': 'package lib\n\nimport "testing"\n\nfunc TestName(t *testing.T) { t.Fatal("no") }\n',
    });
    await seedGoBuild(world, project);
    const command = ['go', 'test', '-vet=off', '-x', './...'];
    const options = ['-v', 'go-build'];
    const first = await world.run(command, { cwd: project, options });
    expect(first.code).toBe(1);
    expect(first.stdout).toContain('--- FAIL: TestName');
    expect(compiled(first.stderr)).toEqual(expect.arrayContaining(['example.com/app/lib', 'main']));
    expect(first.volume('go-build')).toMatchObject({ skipped: null, layer: expect.any(String) as string });

    const second = await world.run(command, { cwd: project, options });
    expect(second.code).toBe(1);
    expect(compiled(second.stderr)).toEqual([]);
  });
});

requireCommands('bwrap')('a run in an unknown directory', () => {
  test('that fails leaves no trace', async () => {
    using world = openWorld();
    await run(world, 'echo 1 > cache/kept; echo 1 > cache/gone');
    const failed = await run(world, 'echo 2 > cache/kept; rm cache/gone; echo 2 > cache/new; exit 7');
    expect(failed).toMatchObject({ code: 7, report: { exitCode: 7 } });
    expect(failed.volume('data')).toMatchObject({ layer: null, added: 0, changed: 0, removed: 0 });
    expect(failed.volume('data').skipped).toContain('exit code 7');
    expect((await run(world, 'cat cache/*; ls cache')).stdout).toBe('1\n1\ngone\nkept\n');
    expect(await world.json(['log', 'data'])).toHaveLength(1);
    // The mount point on the host was temporary.
    expect(existsSync(join(world.dir, 'cache'))).toBe(false);
  });

  test('that succeeds keeps changes and removals', async () => {
    using world = openWorld();
    await run(world, 'echo 1 > cache/kept; echo 1 > cache/gone');
    const second = await run(world, 'echo 2 > cache/kept; rm cache/gone; mkdir cache/sub; echo 2 > cache/sub/new');
    expect(second.volume('data')).toMatchObject({ added: 2, changed: 1, removed: 1, conflicts: [], skipped: null });
    // A directory counts as an entry.
    expect((await run(world, 'cd cache; find . -type f | sort; cat kept')).stdout).toBe('./kept\n./sub/new\n2\n');
  });
});

requireCommands('bwrap')('--commit', () => {
  const ends = { succeeds: 'exit 0', fails: 'exit 3', 'is killed': 'kill -9 $$' };
  type End = keyof typeof ends;

  test.each<[string, Readonly<Record<End, boolean>>]>([
    ['exit', { succeeds: true, fails: true, 'is killed': false }],
    ['success', { succeeds: true, fails: false, 'is killed': false }],
    ['always', { succeeds: true, fails: true, 'is killed': false }],
    ['never', { succeeds: false, fails: false, 'is killed': false }],
  ])('%s', async (policy, saves) => {
    using world = openWorld();
    for (const [end, isSaved] of Object.entries(saves)) {
      const file = end.replaceAll(' ', '-');
      const { report, code } = await run(world, `echo x > cache/${file}; ${ends[end as End]}`, `--commit=${policy}`);
      expect([end, code]).toEqual([end, { succeeds: 0, fails: 3, 'is killed': 137 }[end]]);
      expect([end, report.volumes[0]?.layer !== null]).toEqual([end, isSaved]);
      expect([end, report.volumes[0]?.skipped === null]).toEqual([end, isSaved]);
    }
    const saved = Object.entries(saves).flatMap(([end, isSaved]) => (isSaved ? [`${end}\n`] : []));
    expect(await contents(world)).toBe(saved.toSorted().join(''));
  });

  test('overrides the rule of the tool', async () => {
    using world = openWorld();
    const npm = async (...options: readonly string[]): Promise<FinishedRun> =>
      await world.run(['sh', '-c', 'echo x > ~/.npm/file; exit 1'], { options: ['-v', 'npm', ...options] });
    expect((await npm('--commit=success')).volume('npm').skipped).toContain('exit code 1');
    expect((await npm()).volume('npm')).toMatchObject({ added: 1, skipped: null });
  });

  test('with an unknown value is refused, and nothing runs', async () => {
    using world = openWorld();
    const refused = await world.cachelane(['run', '--commit=sometimes', '--', 'touch', 'ran']);
    expect(refused.code).toBe(125);
    expect(refused.stderr).toContain('exit, success, always, never');
    expect(existsSync(join(world.dir, 'ran'))).toBe(false);
  });
});

requireCommands('bwrap')('--mode', () => {
  test('write sees the cache and saves, like the default', async () => {
    using world = openWorld();
    await run(world, 'echo x > cache/one');
    const second = await run(world, 'ls cache; echo x > cache/two', '--mode=write');
    expect(second).toMatchObject({ stdout: 'one\n' });
    expect(second.volume('data')).toMatchObject({ added: 1, hits: [{ layers: 1 }] });
    expect(await contents(world)).toBe('one\ntwo\n');
  });

  test('read sees the cache and saves nothing', async () => {
    using world = openWorld();
    await run(world, 'echo x > cache/one');
    const second = await run(world, 'ls cache; echo x > cache/two; rm cache/one', '--mode=read');
    expect(second).toMatchObject({ code: 0, stdout: 'one\n' });
    expect(second.volume('data')).toMatchObject({ added: 0, layer: null, hits: [{ layers: 1 }], skipped: 'mode read' });
    expect(await contents(world)).toBe('one\n');
  });

  test('write-only starts cold, and its files are added to the volume', async () => {
    using world = openWorld();
    await run(world, 'echo 1 > cache/one; echo 1 > cache/both');
    const second = await run(world, 'ls cache; echo 2 > cache/two; echo 2 > cache/both', '--mode=write-only');
    expect(second).toMatchObject({ code: 0, stdout: '' });
    expect(second.volume('data')).toMatchObject({ hits: [], layer: expect.any(String) as string, removed: 0 });
    expect((await run(world, 'cd cache; ls; cat both')).stdout).toBe('both\none\ntwo\n2\n');
  });

  test('none mounts nothing, and the command writes to the host', async () => {
    using world = openWorld();
    await run(world, 'echo x > cache/one');
    const second = await run(world, 'mkdir cache; echo x > cache/host', '--mode=none');
    expect(second).toMatchObject({ code: 0, stdout: '' });
    expect(second.volume('data')).toMatchObject({ mounter: null, hits: [], layer: null, skipped: 'mode none' });
    expect(existsSync(join(world.dir, 'cache/host'))).toBe(true);
    expect(await contents(world)).toBe('one\n');
  });
});
