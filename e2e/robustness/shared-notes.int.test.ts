import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, worldUsers, type FinishedRun, type World } from '../cli.fixture.ts';

// A run that is killed between its save and its note about it beside the shared directory.

const volume = ['-v', 'data:cache'];

const sharedRun = async (world: World, script: string): Promise<FinishedRun> =>
  await world.run(['sh', '-ec', script], { options: [...volume, '--sharing', 'SHARED'] });

const privateRun = async (world: World, script: string): Promise<FinishedRun> =>
  await world.run(['sh', '-ec', script], { options: volume });

/** Returns a command that copies the current notes. They request a save and record none. */
const keepNotes = (world: World): string => `cp -a ${world.store}/kept ${world.dir}/kept-before`;

function putNotesBack(world: World): void {
  const kept = join(world.store, 'kept');
  const before = join(world.dir, 'kept-before');
  const slots = readdirSync(kept).filter((name) => name.startsWith('live-'));
  expect(slots).toHaveLength(1);
  const slot = join(String(slots[0]), '0');
  const restore = [
    `cd ${kept}/${slot}`,
    `cp -a ${before}/${slot}/table ${before}/${slot}/base.json .`,
    'rm -f as-left.json dirty.json',
    `sed 's/"isWanted":false/"isWanted":true/' ${before}/${slot}/unsaved.json > unsaved.json`,
    'grep -q \'"isWanted":true\' unsaved.json',
    `rm -rf ${before}`,
  ];
  expect(world.exec(['sh', '-ec', restore.join('\n')])).toMatchObject({ code: 0 });
}

async function sharedRunWithoutNote(world: World, script: string): Promise<void> {
  const run = await sharedRun(world, `${script}; ${keepNotes(world)}`);
  expect(run.volume('data')).toMatchObject({ mounter: 'live', skipped: null });
  putNotesBack(world);
}

requireCommands('bwrap', 'flock')('notes of a shared directory', () => {
  describe.each(worldUsers)('as %s', (user) => {
    test('saved work without a note does not overwrite newer work of others', async () => {
      using world = openWorld({ user });
      await sharedRunWithoutNote(world, 'echo old > cache/f; echo kept > cache/g');
      expect((await privateRun(world, 'cat cache/f; echo new > cache/f')).stdout).toBe('old\n');
      const next = await sharedRun(world, 'cat cache/f; echo 1 > cache/h');
      expect(next.stdout).toBe('old\n');
      expect(next.volume('data')).toMatchObject({ added: 1, changed: 0, conflicts: [] });
      expect((await sharedRun(world, 'cat cache/f cache/g cache/h')).stdout).toBe('new\nkept\n1\n');
    });

    test('saved work without a note does not restore what a rollback removed', async () => {
      using world = openWorld({ user });
      await privateRun(world, 'echo first > cache/f');
      await sharedRunWithoutNote(world, 'echo second > cache/f');
      expect(await world.cachelane(['rollback', 'data', '--to', '1'])).toMatchObject({ code: 0 });
      expect((await sharedRun(world, 'true')).volume('data')).toMatchObject({ layer: null });
      expect((await sharedRun(world, 'cat cache/f')).stdout).toBe('first\n');
    });

    test('the last run does not save again what was saved while others were running', async () => {
      using world = openWorld({ user, env: { CACHELANE_SHARED_SAVE_SECONDS: '0' } });
      const options = ['-v', 'npm', '--sharing', 'SHARED'];
      const content = '$NPM_CONFIG_CACHE/_cacache/content-v2/sha512/00/00';
      const put = (letter: string): string => `mkdir -p ${content}; echo 1 > ${content}/${letter.repeat(124)}`;
      const staying = world.startRun(['sh', '-ec', `echo ready; read line; ${put('b')}`], { options, input: null });
      await staying.said('ready');
      const script = `${put('a')}; ${keepNotes(world)}; sleep 2.2`;
      const leaving = await world.run(['sh', '-ec', script], { options });
      expect(leaving.volume('npm')).toMatchObject({ added: 1, skipped: null });
      putNotesBack(world);
      staying.child.stdin?.end('go\n');
      expect((await staying.finished).volume('npm')).toMatchObject({ added: 1, changed: 0, skipped: null });
    });

    test('the next run saves its own changes', async () => {
      using world = openWorld({ user });
      await privateRun(world, 'cd cache; mkdir d m; echo 0 > d/zero; echo 0 > m/zero; echo 0 > m/one');
      await sharedRunWithoutNote(
        world,
        'cd cache; mkdir e; rm -r m; mkdir m; echo 1 > d/one; echo 1 > e/one; echo 1 > two; echo 1 > m/one; echo 1 > m/two; cd ..',
      );
      await privateRun(world, 'echo 3 > cache/m/three');
      await sharedRun(world, 'cd cache; echo 2 > two; rm -r d/one e m/one');
      expect((await privateRun(world, 'cd cache; find . | sort; cat two')).stdout).toBe(
        '.\n./d\n./d/zero\n./m\n./m/three\n./m/two\n./two\n2\n',
      );
    });
  });
});
