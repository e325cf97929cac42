import { existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, worldUsers, type World } from '../cli.fixture.ts';
import { expectNoSessions } from './store.fixture.ts';

/** Expects that these volumes are refused with this reason. The command still runs once, but not with `--strict`. */
async function expectRefused(world: World, volumes: readonly string[], why: RegExp): Promise<void> {
  const options = volumes.flatMap((volume) => ['-v', volume]);
  world.write({ count: '' });
  const command = ['sh', '-c', `echo ran >> ${world.dir}/count; exit 7`];
  const run = await world.run(command, { options });
  expect([run.code, run.stderr]).toEqual([7, expect.stringMatching(why)]);
  expect(run.stderr.match(/warning: /g)).toHaveLength(1);
  expect(run.report.volumes.map(({ skipped }) => skipped).join()).toMatch(why);
  const strict = await world.run(command, { options: [...options, '--strict'] });
  expect([strict.code, strict.stderr]).toEqual([125, expect.stringMatching(why)]);
  expect(readFileSync(join(world.dir, 'count'), 'utf8')).toBe('ran\n');
  if (existsSync(join(world.store, 'state.db'))) await expectNoSessions(world);
}

describe.each(worldUsers)('as %s', (user) => {
  requireCommands('bwrap', 'flock')('the path of a volume', () => {
    test('that equals or contains another one: the first volume stays, the other is refused', async () => {
      using world = openWorld({ user });
      await expectRefused(world, ['a:place', 'b:place'], /another volume is already at .*place/);
      await expectRefused(world, ['a:place', 'b:place/in/side'], /contain each other/);
      await expectRefused(world, ['a:place/in/side', 'b:place'], /contain each other/);
      world.write({ 'place/host': '' });
      symlinkSync('place', join(world.dir, 'link'));
      await expectRefused(world, ['a:place', 'b:link'], /another volume is already at/);
      const run = await world.run(['sh', '-c', 'echo x > place/x'], { options: ['-v', 'a:place', '-v', 'b:place'] });
      expect([run.code, run.volume('a').added]).toEqual([0, 1]);
    });

    test('that is a file, or below one, is refused and left alone', async () => {
      using world = openWorld({ user });
      world.write({ file: 'content' });
      await expectRefused(world, ['a:file'], /is not a directory/);
      await expectRefused(world, ['a:file/below'], /not a directory/);
      expect(readFileSync(join(world.dir, 'file'), 'utf8')).toBe('content');
    });

    test('that hides the working directory or the store, or is in the store, is refused', async () => {
      using world = openWorld({ user });
      await expectRefused(world, ['a:/'], /would hide the working directory/);
      await expectRefused(world, [`a:${world.dir}`], /would hide the working directory/);
      const elsewhere = world.project('web');
      for (const path of [world.store, join(world.store, 'layers/x')]) {
        await expectRefused(world, [`a:${path}`], /is in the store of cachelane/);
      }
      // A path above the store, from another current directory.
      world.env['CACHELANE_HOME'] = join(world.dir, 'above/store');
      const above = await world.run(['sh', '-c', 'exit 7'], {
        cwd: elsewhere,
        options: ['-v', `a:${world.dir}/above`],
      });
      expect([above.code, above.stderr]).toEqual([7, expect.stringMatching(/in the store of cachelane/)]);
    });

    test('that is a symlink is followed; one that leads nowhere or to itself is refused', async () => {
      using world = openWorld({ user });
      world.write({ 'real/host': 'of the host' });
      symlinkSync(join(world.dir, 'real'), join(world.dir, 'link'));
      const options = ['-v', 'a:link'];
      expect((await world.run(['sh', '-c', 'ls link/ real; echo x > link/x'], { options })).stdout).toBe(
        'link/:\n\nreal:\n',
      );
      expect((await world.run(['cat', 'real/x'], { options })).stdout).toBe('x\n');
      expect(readdirSync(join(world.dir, 'real'))).toEqual(['host']);
      symlinkSync('no/such', join(world.dir, 'nowhere'));
      symlinkSync('itself', join(world.dir, 'itself'));
      await expectRefused(world, ['a:nowhere'], /dangling symlink/);
      await expectRefused(world, ['a:itself'], /cannot be reached|ELOOP/);
    });

    test('that cannot be created is refused, without leftover directories', async () => {
      using world = openWorld({ user });
      await expectRefused(world, ['a:/proc/no/such'], /is or contains a system directory/);
      const name = 'n'.repeat(300);
      await expectRefused(world, [`a:made/${name}`], /a name in its path is longer than 255 bytes/);
      expect(existsSync(join(world.dir, 'made'))).toBe(false);
    });

    test('is restored after the run, and hides the host’s files during it', async () => {
      using world = openWorld({ user });
      world.write({ 'host/file': 'of the host' });
      const options = ['-v', 'a:host', '-v', 'b:new/er'];
      const run = await world.run(['sh', '-c', 'ls host new/er; echo x > host/file; echo y > new/er/y'], { options });
      expect(run).toMatchObject({ code: 0, stdout: 'host:\n\nnew/er:\n' });
      expect(readFileSync(join(world.dir, 'host/file'), 'utf8')).toBe('of the host');
      expect(existsSync(join(world.dir, 'new'))).toBe(false);
    });
  });
});
