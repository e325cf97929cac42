import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, worldUsers } from './cli.fixture.ts';

// The assumptions of the other suites about the bundle and its world.

requireCommands('bwrap')('each test has its own world', () => {
  describe.each(worldUsers)('as %s', (user) => {
    test('a run saves a layer, and its store belongs to the user', async () => {
      using world = openWorld({ user });
      const project = world.project('web', { 'package-lock.json': '{}' });
      const run = await world.run(['sh', '-c', 'id -u; echo x > ~/.npm/x; exit 3'], { cwd: project });
      const { uid } = statSync(project);
      expect(run).toMatchObject({ code: 3, signal: null, stdout: `${uid}\n` });
      expect(run.report.namespace).toMatch(/^local\/web-[0-9a-f]{16}$/);
      expect(run.volume('npm')).toMatchObject({ path: join(world.home, '.npm'), mounter: 'overlay', added: 1 });
      expect(statSync(join(world.store, 'state.db')).uid).toBe(uid);
    });

    test('the command sees the world’s environment and its context only', async () => {
      using world = openWorld({ user, env: { MINE: 'yes' } });
      const run = await world.run(['env', '-0'], { options: ['-v', 'data:data'], env: { MORE: 'too' } });
      const names = run.stdout.split('\0').flatMap((line) => line.split('=', 1));
      expect(names.filter((name) => name !== '').toSorted()).toEqual(
        [...Object.keys(world.env), 'CACHELANE_CONTEXT', 'MORE', 'PWD'].toSorted(),
      );
    });
  });

  test('a test can wait for the output of a running command and write to its input', async () => {
    using world = openWorld();
    const script = 'echo ready; read line; echo "$line" > data/line';
    const { child, said, finished } = world.startRun(['sh', '-c', script], {
      options: ['-v', 'data:data'],
      input: 'hello\n',
    });
    await said('ready');
    expect(child.pid).toBeGreaterThan(0);
    expect((await finished).volume('data')).toMatchObject({ added: 1 });
    expect(await world.json(['ls'])).toMatchObject([{ volume: 'data', files: 1 }]);
    expect(world.cachelaneSync(['ls']).stdout).toContain('data');
    expect(readFileSync(join(world.dir, 'reports/1.json'), 'utf8')).toContain('"exitCode": 0');
  });
});
