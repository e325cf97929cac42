import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, worldUsers } from '../cli.fixture.ts';

const root = join(import.meta.dirname, '../..');

/** Returns the lines that a reader of the page would type. */
function linesOfPage(): readonly string[] {
  const page = readFileSync(join(root, 'examples/organisation/README.md'), 'utf8');
  return page.split('\n').filter((line) => /^[\w/]+\$ /.test(line));
}

describe.each(worldUsers)('as %s', (user) => {
  requireCommands('bwrap')('the demo', () => {
    test('prints what it promises, and changes nothing of the user’s', async () => {
      // CI variables and the user's settings must not affect the demo.
      using world = openWorld({ user, env: { GITHUB_ACTIONS: 'true', CACHELANE_NAMESPACE: 'a/b' } });
      const { code, stdout, stderr } = await world.cachelane(['demo']);
      expect([code, stderr]).toEqual([0, '']);
      for (const told of [
        '=> each project',
        '=> all 8 are there',
        'exit code 7',
        'as generation 11: 8 added, 1 changed',
      ]) {
        expect(stdout).toContain(told);
      }
      expect(stdout).toMatch(/Every step gave the expected result\. The temporary directories are removed\.\n$/);
      expect(existsSync(world.store)).toBe(false);
      expect([readdirSync(world.home), readdirSync(join(world.dir, 'tmp'))]).toEqual([[], []]);
    });

    test('exits with 1 where runs have no caches, and leaves nothing', async () => {
      using world = openWorld({ user, env: { PATH: '/nowhere' } });
      const { code, stderr } = await world.cachelane(['demo']);
      expect(code).toBe(1);
      expect(stderr).toContain('unexpected result: cachelane run --strict');
      expect(stderr).toContain('cachelane doctor');
      expect(readdirSync(join(world.dir, 'tmp'))).toEqual([]);
    });

    test('cleans up after an interrupt', async () => {
      using world = openWorld({ user });
      const started = world.start(['demo']);
      await started.said('8 runs at once');
      started.child.kill('SIGINT');
      expect(await started.finished).toMatchObject({ signal: 'SIGINT' });
      expect(readdirSync(join(world.dir, 'tmp'))).toEqual([]);
    });
  });
});

requireCommands('bwrap', 'git')('the organisation example', () => {
  test('works line by line as its page says, and changes nothing of the user’s', () => {
    using world = openWorld({
      env: { GITHUB_ACTIONS: 'true', CACHELANE_NAMESPACE: 'a/b', npm_config_cache: '/nowhere' },
    });
    const { stdout, stderr } = world.exec([join(root, 'cachelane'), 'demo', 'organisation'], { cwd: root });
    expect(stderr).toBe('');
    const played = stdout.split('\n').map((line) => line.trim());
    const lines = linesOfPage();
    expect(played.filter((line) => /^[\w/]+\$ /.test(line))).toEqual(lines);
    expect(lines.length).toBeGreaterThan(30);
    expect(stdout).toMatch(/Every step gave the expected result\. The temporary directories are removed\.\n$/);
    expect(existsSync(world.store)).toBe(false);
    expect([readdirSync(world.home), readdirSync(join(world.dir, 'tmp'))]).toEqual([[], []]);
  });

  test('has pipelines that name no organisation', () => {
    const directory = join(root, 'examples/organisation');
    const files = readdirSync(directory, { recursive: true, encoding: 'utf8' });
    const pipelines = files.filter((file) => file.endsWith('pipeline.sh'));
    expect(pipelines).toHaveLength(3);
    for (const file of pipelines)
      expect(readFileSync(join(directory, file), 'utf8')).not.toMatch(/acme|my-org|github|cachelane/i);
  });

  test('outside a clone, the command prints where the program is', async () => {
    using world = openWorld();
    expect(await world.cachelane(['demo', 'organisation'])).toMatchObject({ code: 1, stdout: '' });
    expect((await world.cachelane(['demo', '--help'])).stdout).toContain('cachelane demo organisation');
  });
});
