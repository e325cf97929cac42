import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, worldUsers } from '../cli.fixture.ts';

describe.each(worldUsers)('as %s', (user) => {
  requireCommands('bwrap')('the demo', () => {
    test('is as told, and touches nothing of the user', async () => {
      // A CI system's variables and settings of the user are for the user's own runs.
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
      expect(stdout).toMatch(/All of it was as told\. The temporary directories are gone again\.\n$/);
      expect(existsSync(world.store)).toBe(false);
      expect([readdirSync(world.home), readdirSync(join(world.dir, 'tmp'))]).toEqual([[], []]);
    });

    test('exits with 1 where runs have no caches, and leaves nothing', async () => {
      using world = openWorld({ user, env: { PATH: '/nowhere' } });
      const { code, stderr } = await world.cachelane(['demo']);
      expect(code).toBe(1);
      expect(stderr).toContain('not as told: cachelane run --strict');
      expect(stderr).toContain('cachelane doctor');
      expect(readdirSync(join(world.dir, 'tmp'))).toEqual([]);
    });

    test('cleans up where it is interrupted', async () => {
      using world = openWorld({ user });
      const started = world.start(['demo']);
      await started.said('8 runs at once');
      started.child.kill('SIGINT');
      expect(await started.finished).toMatchObject({ signal: 'SIGINT' });
      expect(readdirSync(join(world.dir, 'tmp'))).toEqual([]);
    });
  });
});
