import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, worldUsers, type FinishedRun, type World } from '../cli.fixture.ts';

// One volume in all three sharing modes, with real programs.

type Started = ReturnType<World['startRun']>;

interface Job {
  readonly script: string;
  readonly options: readonly string[];
}

const volume = ['-v', 'data:cache'];

/** Starts a run that prints `ready` once it has its volume, and then waits for a line. */
async function start(world: World, { script, options }: Job): Promise<Started> {
  const text = `cd cache; echo ready; read line; ${script}`;
  const run = world.startRun(['sh', '-ec', text], { options: [...volume, ...options], input: null });
  await run.said('ready');
  return run;
}

async function end(run: Started): Promise<FinishedRun> {
  run.child.stdin?.end('go\n');
  return await run.finished;
}

async function contents(world: World): Promise<string> {
  return (await world.run(['sh', '-c', 'cd cache; ls -A'], { options: [...volume, '--mode=read'] })).stdout;
}

/** Returns a script that creates a database and its log. */
function database(version: number): string {
  return `printf 'SQLite format 3\\0 ${version}' > db; printf ${version} > db-wal`;
}

const shared = ['--sharing', 'SHARED'];
const locked = ['--sharing', 'LOCKED'];

requireCommands('bwrap', 'flock')('sharing', () => {
  describe.each(worldUsers)('as %s', (user) => {
    test('SHARED: all runs see one directory, and the last one saves the work of all', async () => {
      using world = openWorld({ user });
      const one = await start(world, {
        script: 'echo 1 > one; until [ -e two ]; do sleep 0.01; done',
        options: shared,
      });
      const two = await start(world, {
        script: 'until [ -e one ]; do sleep 0.01; done; echo 2 > two',
        options: shared,
      });
      one.child.stdin?.end('go\n');
      const ends = [await end(two), await one.finished].map((run) => run.volume('data'));
      for (const volume of ends) expect(volume).toMatchObject({ mounter: 'live', sharing: 'SHARED' });
      const [saved, other] = ends.toSorted((a, b) => b.added - a.added);
      expect(saved).toMatchObject({ added: 2, skipped: null });
      expect(other).toMatchObject({
        added: 0,
        layer: null,
        skipped: 'shared with another run; the last run saves',
      });
      expect(await contents(world)).toBe('one\ntwo\n');
      const [head] = (await world.json(['inspect', String(saved?.layer)]).then((layer) => [layer])) as [
        { readonly entries: readonly { readonly runs: readonly string[] }[] },
      ];
      // Both runs are named as origins, because the writer of a file is unknown.
      expect(new Set(head.entries.map(({ runs }) => runs.length))).toEqual(new Set([2]));
      expect(existsSync(join(world.dir, 'cache'))).toBe(false);
    });

    test('SHARED: a failed run’s files are saved with the work of the others, and the run says so', async () => {
      using world = openWorld({ user });
      const good = await start(world, { script: 'echo 1 > good', options: shared });
      const bad = await start(world, { script: 'echo 2 > bad; exit 3', options: shared });
      const failed = await end(bad);
      expect(failed).toMatchObject({
        code: 3,
        stderr: expect.stringContaining(
          'data shared with another run: saved if they are saved (the command failed with exit code 3)',
        ) as string,
      });
      expect(failed.stderr).not.toContain('not saved');
      expect(failed.volume('data')).toMatchObject({ layer: null, leftToOthers: true });
      expect((await end(good)).volume('data')).toMatchObject({ added: 2, leftToOthers: false });
      expect(await contents(world)).toBe('bad\ngood\n');
      const [third, fourth] = [
        await start(world, { script: 'echo 3 > third', options: shared }),
        await start(world, { script: 'echo 4 > fourth; exit 3', options: shared }),
      ];
      const fifth = await start(world, { script: 'exit 3', options: shared });
      await end(third);
      expect((await end(fourth)).stderr).toContain('the last run saves this too (the command failed');
      expect((await end(fifth)).volume('data')).toMatchObject({ added: 2 });
      const alone = await world.run(['sh', '-c', 'echo 6 > cache/sixth; exit 3'], { options: [...volume, ...shared] });
      expect(alone.stderr).toContain('not saved: the command failed with exit code 3');
      expect(await contents(world)).toBe('bad\nfourth\ngood\nthird\n');
    });

    test('SHARED: the next run saves the work of a killed run and of the runs that ended before it', async () => {
      using world = openWorld({ user });
      const one = await start(world, { script: 'echo 1 > one', options: shared });
      const two = await start(world, { script: 'echo 2 > two; sleep 1000', options: shared });
      expect((await end(one)).volume('data')).toMatchObject({ layer: null });
      two.child.kill('SIGKILL');
      two.child.stdin?.end();
      await two.finished.catch(() => undefined);
      const three = await world.run(['sh', '-c', 'cat cache/one'], { options: [...volume, ...shared] });
      expect(three.stdout).toBe('1\n');
      expect(three.volume('data')).toMatchObject({ added: 1, skipped: null });
      expect(await contents(world)).toBe('one\n');
    });

    test('SHARED: leftover files of a failed run are saved with the work of the others, with a warning about their origin', async () => {
      using world = openWorld({ user });
      const good = await start(world, { script: 'echo 1 > good', options: shared });
      const failing = await start(world, { script: 'echo 2 > failed; exit 1', options: shared });
      expect(await end(failing)).toMatchObject({ code: 1 });
      const saved = (await end(good)).volume('data');
      expect(saved).toMatchObject({ added: 2 });
      const { entries } = (await world.json(['inspect', String(saved.layer)])) as {
        readonly entries: readonly { readonly path: string; readonly runs: readonly string[] }[];
      };
      expect(entries.find(({ path }) => path === 'failed')?.runs).toHaveLength(2);
    });

    test('SHARED: a run that saves nothing has a private view', async () => {
      using world = openWorld({ user });
      const good = await start(world, { script: 'echo 1 > good', options: shared });
      const never = await start(world, { script: 'echo 2 > never', options: [...shared, '--commit', 'never'] });
      expect((await end(never)).volume('data')).toMatchObject({ mounter: 'overlay', layer: null });
      expect((await end(good)).volume('data')).toMatchObject({ added: 1 });
    });

    test('SHARED: credentials do not pass from run to run', async () => {
      using world = openWorld({ user });
      await world.run(['sh', '-c', 'cd cache; echo secret > .npmrc; echo 1 > one'], {
        options: [...volume, ...shared],
      });
      const next = await world.run(['sh', '-c', 'cd cache; ls -A'], { options: [...volume, ...shared] });
      expect(next.stdout).toBe('one\n');
    });

    test('SHARED: successful work survives when the last run is killed, even if the volume was never saved', async () => {
      using world = openWorld({ user });
      const one = await start(world, { script: 'echo 1 > one', options: shared });
      const two = await start(world, { script: 'sleep 1000', options: shared });
      await end(one);
      two.child.kill('SIGKILL');
      two.child.stdin?.end();
      await two.finished.catch(() => undefined);
      // Any run cleans up after a dead one.
      await world.run(['true'], { options: ['-v', 'other:elsewhere'] });
      const three = await world.run(['sh', '-c', 'ls cache'], { options: [...volume, ...shared] });
      expect(three.stdout).toBe('one\n');
      expect(three.volume('data')).toMatchObject({ added: 1 });
    });

    test('SHARED and PRIVATE at once: neither sees the other, and both are saved', async () => {
      using world = openWorld({ user });
      await world.run(['sh', '-c', 'echo 0 > cache/zero'], { options: volume });
      const live = await start(world, { script: 'ls; echo s > of-shared', options: shared });
      const own = await start(world, { script: 'ls; echo p > of-private', options: [] });
      live.child.stdin?.write('go\n');
      live.child.stdin?.end();
      expect((await live.finished).stdout).toBe('ready\nzero\n');
      expect((await end(own)).stdout).toBe('ready\nzero\n');
      expect(await contents(world)).toBe('of-private\nof-shared\nzero\n');
      const next = await world.run(['sh', '-c', 'cd cache; ls'], { options: [...volume, ...shared] });
      expect(next.stdout).toBe('of-private\nof-shared\nzero\n');
    });

    test('SHARED: a run that joins later merges with the directory it found, not with a private run’s later save', async () => {
      using world = openWorld({ user });
      await world.run(['sh', '-c', `cd cache; ${database(1)}`], { options: volume });
      const one = await start(world, { script: 'echo 1 > one', options: shared });
      await world.run(['sh', '-c', `cd cache; ${database(2)}`], { options: volume });
      const two = await start(world, { script: 'printf 3 > db-wal', options: shared });
      await end(one);
      const report = (await end(two)).volume('data');
      expect(report).toMatchObject({ skipped: null });
      expect(report.conflicts.map(({ path }) => path)).toEqual(['db']);
      // A database and its log form a group: they never come from different runs.
      const seen = await world.run(['sh', '-c', 'cd cache; tail -c 1 db; cat db-wal'], { options: volume });
      expect(seen.stdout).toBe('13');
    });

    test('SHARED: an incomplete group waits for the last run, however long that takes', async () => {
      using world = openWorld({ user, env: { CACHELANE_SHARED_SAVE_SECONDS: '0' } });
      const one = await start(world, { script: 'echo 1 > one; sleep 2.2', options: shared });
      const two = await start(world, { script: 'echo 2 > two', options: shared });
      expect((await end(one)).volume('data')).toMatchObject({
        layer: null,
        skipped: 'shared with another run; the last run saves',
      });
      expect((await end(two)).volume('data')).toMatchObject({ added: 2 });
    });

    test('SHARED: work on top of a part that was removed is not saved, and the next run does not see it', async () => {
      using world = openWorld({ user, env: { CACHELANE_SHARED_SAVE_SECONDS: '0' } });
      const options = ['-v', 'npm', ...shared];
      const content = '$NPM_CONFIG_CACHE/_cacache/content-v2/sha512/00/00';
      const startNpm = async (script: string): Promise<Started> => {
        const text = `echo ready; read line; mkdir -p ${content}; cd ${content}; ${script}`;
        const run = world.startRun(['sh', '-ec', text], { options, input: null });
        await run.said('ready');
        return run;
      };
      const [part, rest] = ['a'.repeat(124), 'b'.repeat(124)];
      const one = await startNpm(`echo 1 > ${part}; sleep 2.2`);
      const two = await startNpm(`echo 2 > ${rest}`);
      expect((await end(one)).volume('npm')).toMatchObject({ added: 1, skipped: null });
      expect(await world.cachelane(['rm', 'npm', '--all-lanes'])).toMatchObject({ code: 0 });
      expect((await end(two)).volume('npm')).toMatchObject({
        layer: null,
        skipped: 'the head on lane t1:local was removed while the command ran',
      });
      const next = await world.run(['sh', '-c', 'find $NPM_CONFIG_CACHE -type f'], { options });
      expect(next.stdout).toBe('');
      expect(next.volume('npm')).toMatchObject({ layer: null, skipped: null });
    });

    test('SHARED: the next run does not save work on a lane that was removed during the run', async () => {
      using world = openWorld({ user });
      await world.run(['sh', '-c', 'echo 1 > cache/one'], { options: volume });
      const one = await start(world, { script: 'echo 2 > two', options: shared });
      expect(await world.cachelane(['rm', 'data', '--all-lanes'])).toMatchObject({ code: 0 });
      expect((await end(one)).volume('data')).toMatchObject({ layer: null });
      const next = await world.run(['sh', '-c', 'ls -A cache'], { options: [...volume, ...shared] });
      expect(next.stdout).toBe('');
      expect(next.volume('data')).toMatchObject({ layer: null });
    });

    test('SHARED: a read-only run has a private view', async () => {
      using world = openWorld({ user });
      await world.run(['sh', '-c', 'echo 0 > cache/zero'], { options: [...volume, ...shared] });
      const read = await world.run(['sh', '-c', 'echo x > cache/zero; echo x > cache/x'], {
        options: [...volume, ...shared, '--mode=read', '--verbose'],
      });
      expect(read.volume('data')).toMatchObject({ mounter: 'overlay', sharing: 'PRIVATE', layer: null });
      expect(read.stderr).toContain('; overlay: a run with --mode read has a private view');
      const next = await world.run(['sh', '-c', 'cat cache/*'], { options: [...volume, ...shared] });
      expect(next.stdout).toBe('0\n');
    });

    test('LOCKED: one run at a time, each with the saves of the previous one; a waiting run names the holder', async () => {
      using world = openWorld({ user });
      const one = await start(world, { script: 'echo 1 > one', options: locked });
      const two = world.startRun(['sh', '-c', 'echo "sees: $(ls cache)"; echo 2 > cache/two'], {
        options: [...volume, ...locked],
      });
      await expect(Promise.race([two.said('sees'), wait(1500)])).resolves.toBe('waited');
      const first = await end(one);
      const second = await two.finished;
      expect(second.stdout).toBe('sees: one\n');
      const log = (await world.json(['log', 'data'])) as readonly { readonly run: string }[];
      const [, earlier] = log;
      expect(second.stderr).toContain(`waiting: data is locked on t1:local by ${earlier?.run}, since `);
      expect(first.volume('data')).toMatchObject({ mounter: 'overlay', sharing: 'LOCKED', added: 1 });
      expect(await contents(world)).toBe('one\ntwo\n');
    });

    test('SHARED: du names the shared directory', async () => {
      using world = openWorld({ user });
      const options = [...volume, ...shared];
      await world.run(['sh', '-c', 'head -c 500000 /dev/urandom > cache/big'], { options });
      const { stdout } = await world.cachelane(['du']);
      expect(stdout).toMatch(
        /, the rest [\d.]+ [kM]B\nkept directories: 5\d\d kB of that, for runs that share a directory/,
      );
    });

    test('an explicit mounter overrides the sharing in the file, with a message', async () => {
      using world = openWorld({ user });
      world.write({ 'cachelane.yaml': 'volumes:\n  data: { path: cache, sharing: SHARED }\n' });
      const run = await world.run(['sh', '-c', 'echo 1 > cache/one'], {
        options: ['--verbose', '--mounter', 'overlay'],
      });
      expect(run.volume('data')).toMatchObject({ mounter: 'overlay', sharing: 'PRIVATE', added: 1 });
      expect(run.stderr).toContain('; overlay: asked for with --mounter, which wins over its sharing SHARED');
    });

    test('LOCKED: runs without the lock do not wait, and lose nothing', async () => {
      using world = openWorld({ user });
      const one = await start(world, { script: 'echo 1 > one', options: locked });
      const other = await world.run(['sh', '-c', 'echo 2 > cache/two'], { options: volume });
      expect(other.volume('data')).toMatchObject({ added: 1 });
      await end(one);
      expect(await contents(world)).toBe('one\ntwo\n');
    });

    test('LOCKED: a dead run’s lock is free, even while its command still runs for a moment', async () => {
      using world = openWorld({ user });
      const gate = join(world.dir, 'gate');
      const one = await start(world, {
        script: `until [ -e ${gate} ]; do sleep 0.01; done; echo 1 > one`,
        options: locked,
      });
      one.child.stdin?.end('go\n');
      one.child.kill('SIGKILL');
      const two = world.startRun(['sh', '-c', 'ls cache'], { options: [...volume, ...locked] });
      // The dead run's command is still running and holds the volume.
      await expect(Promise.race([two.finished, wait(1000)])).resolves.toBe('waited');
      writeFileSync(gate, '');
      expect((await two.finished).stdout).toBe('');
      await one.finished.catch(() => undefined);
    });

    test('LOCKED: one volume at two paths is locked once', async () => {
      using world = openWorld({ user });
      const both = [...volume, '-v', 'data:other', ...locked, '--lock-timeout=0', '--strict'];
      expect(await world.run(['sh', '-c', 'echo 1 > cache/one; echo 2 > other/two'], { options: both })).toMatchObject({
        code: 0,
      });
      expect(await contents(world)).toBe('one\ntwo\n');
    });

    test('LOCKED: a volume that is removed during a run stays locked, and the run’s changes are not saved without it', async () => {
      using world = openWorld({ user });
      await world.run(['sh', '-c', 'echo 1 > cache/one'], { options: volume });
      const one = await start(world, { script: 'echo 2 > two', options: locked });
      expect(await world.cachelane(['rm', 'data', '--all-lanes'])).toMatchObject({ code: 0 });
      const other = [...volume, ...locked, '--lock-timeout=0'];
      expect((await world.run(['true'], { options: other })).stderr).toContain('data is locked on t1:local by run_');
      expect((await end(one)).volume('data')).toMatchObject({
        layer: null,
        skipped: 'the head on lane t1:local was removed while the command ran',
      });
      expect(await contents(world)).toBe('');
    });

    test('LOCKED: waiting ends at its limit or by Ctrl-C', async () => {
      using world = openWorld({ user });
      const one = await start(world, { script: 'echo 1 > one', options: locked });
      const strict = await world.cachelane([
        'run',
        ...volume,
        ...locked,
        '--lock-timeout=0.3',
        '--strict',
        '--',
        'true',
      ]);
      expect(strict).toMatchObject({
        code: 125,
        stderr: expect.stringMatching(
          /data is locked on t1:local by run_\w+, since .*; for 300 ms at most .*\n.*, and was not free after 0\.3 s\n/,
        ) as string,
      });
      const bare = await world.run(['sh', '-c', 'ls cache; echo bare'], {
        options: [...volume, ...locked, '--lock-timeout=0'],
      });
      expect(bare).toMatchObject({ code: 0, stdout: 'bare\n' });
      expect(bare.stderr).toMatch(
        /data is locked on t1:local by run_\w+, since \S+, and this run does not wait: the command runs without the lock and its volumes; --lock-timeout SECONDS/,
      );
      const stopped = world.start(['run', ...volume, ...locked, '--', 'true']);
      await wait(700);
      stopped.child.kill('SIGINT');
      expect(await stopped.finished).toMatchObject({ signal: 'SIGINT' });
      await end(one);
      rmSync(join(world.dir, 'reports'), { recursive: true });
    });
  });
});

async function wait(ms: number): Promise<'waited'> {
  return await new Promise((resolve) => setTimeout(() => resolve('waited'), ms));
}
