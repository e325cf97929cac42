import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mounterNames } from '@cachelane/core';
import { requireCommands, startLocalRegistry } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, worldUsers, type World } from '../cli.fixture.ts';
import { somePackages } from './npm-project.fixture.ts';

// Guarantees for commands, whichever way their volumes are attached.

const wantsDatabase = `
const { DatabaseSync } = require('node:sqlite');
const database = new DatabaseSync('cache/wal.db');
database.exec('PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS t (n); INSERT INTO t VALUES (1)');
process.stdout.write([database.prepare('SELECT count(*) AS n FROM t').get().n, database.prepare('PRAGMA journal_mode').get().journal_mode].join(' ') + '\\n');
`;

const mappedAppend = `
import fcntl, mmap, os
with open('cache/mapped', 'a+b') as file:
    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    file.write(b'0123456789')
    file.flush()
    with mmap.mmap(file.fileno(), 0) as view:
        view[0:1] = b'X'
        view.flush()
print(open('cache/mapped').read())
`;

/** Installs a `bwrap` that fails like the real one where mounts are impossible. */
function cannotMount(world: World): void {
  world.write({ 'bin/bwrap': '#!/bin/sh\necho "bwrap: No permissions to create new namespace" >&2\nexit 1\n' });
  chmodSync(join(world.dir, 'bin/bwrap'), 0o755);
  world.env['PATH'] = `${join(world.dir, 'bin')}:${world.env['PATH'] ?? ''}`;
}

requireCommands('bwrap', 'flock')('every mounter', () => {
  describe.each(worldUsers.flatMap((user) => mounterNames.map((mounter) => ({ user, mounter }))))(
    '$mounter as $user',
    ({ user, mounter }) => {
      const options = ['-v', 'data:cache', '--mounter', mounter];

      test('keeps the changes of a run, and its later removals', async () => {
        using world = openWorld({ user });
        const sh = async (script: string): Promise<string> => {
          const run = await world.run(['sh', '-euc', script], { options });
          expect(run).toMatchObject({ code: 0 });
          expect(run.volume('data')).toMatchObject({ mounter, skipped: null });
          return run.stdout;
        };
        await sh(`cd cache; mkdir -p a/b; echo 1 > a/b/f; ln -s f a/b/link; ln a/b/f a/b/hard; chmod 750 a; chmod 600 a/b/f
          touch -d 2001-02-03T04:05:06.5Z a/b/f; mkdir -m 555 shut; printf 'odd' > "$(printf 'caf\\351 \\n')"`);
        expect(
          await sh(`cd cache; stat -c '%n %a %Y' a a/b/f | sed 's/ [0-9]*$//;t'; stat -c %y a/b/f; readlink a/b/link
          ls | wc -l; stat -c %a shut; cat caf*; rm -r a/b; echo 2 > a/f; chmod 755 shut`),
        ).toBe('a 750\na/b/f 600\n2001-02-03 04:05:06.500000000 +0000\nf\n3\n555\nodd');
        expect(await sh('cd cache; find a shut; cat a/f')).toBe('a\na/f\nshut\n2\n');
      });

      test('moves directories of earlier runs', async () => {
        using world = openWorld({ user });
        await world.run(['sh', '-c', 'mkdir -p cache/d/e; echo x > cache/d/e/f'], { options });
        const moved = await world.run(['sh', '-ec', 'mv cache/d cache/moved; find cache -type f'], { options });
        expect(moved.stdout).toBe('cache/moved/e/f\n');
        const after = await world.run(['sh', '-c', 'find cache -type f'], { options });
        expect(after.stdout).toBe('cache/moved/e/f\n');
      });

      test('saves nothing when files are touched that another mounter saved unchanged', async () => {
        using world = openWorld({ user });
        await world.run(['sh', '-c', 'mkdir cache/d; echo a > cache/a; echo b > cache/d/b'], {
          options: ['-v', 'data:cache', '--mounter', mounter === 'overlay' ? 'clone' : 'overlay'],
        });
        const touched = await world.run(['sh', '-ec', 'cd cache; chmod 644 a; ln d/b c; rm c'], { options });
        expect(touched.volume('data')).toMatchObject({ mounter, changed: 0, layer: null });
      });

      test('supports databases, locks and mapped files like a plain directory', async () => {
        using world = openWorld({ user });
        world.write({ 'database.cjs': wantsDatabase, 'mapped.py': mappedAppend });
        for (const count of [1, 2]) {
          const database = await world.run([process.execPath, '--no-warnings', 'database.cjs'], { options });
          expect(database).toMatchObject({ code: 0, stdout: `${count} wal\n` });
          expect(database.volume('data')).toMatchObject({ skipped: null, conflicts: [] });
          const mapped = await world.run(['python3', 'mapped.py'], { options });
          const text = count === 1 ? 'X123456789' : 'X1234567890123456789';
          expect(mapped).toMatchObject({ code: 0, stdout: `${text}\n` });
        }
      });

      test('merges the additions of two concurrent runs', async () => {
        using world = openWorld({ user });
        const gate = join(world.dir, 'gate');
        const starts = ['one', 'two', 'three'].map((name) =>
          world.startRun(
            ['sh', '-ec', `cd cache; echo ready; until [ -e ${gate} ]; do sleep 0.01; done; echo ${name} > ${name}`],
            { options },
          ),
        );
        for (const run of starts) await run.said('ready');
        writeFileSync(gate, '');
        const ended = await Promise.all(starts.map(async (run) => await run.finished));
        for (const run of ended)
          expect(run).toMatchObject({ code: 0, stderr: expect.not.stringContaining('warning') as string });
        expect((await world.run(['sh', '-c', 'ls cache'], { options })).stdout).toBe('one\nthree\ntwo\n');
        expect(existsSync(join(world.dir, 'cache'))).toBe(false);
      });

      test('discards the changes of a failed or killed run', async () => {
        using world = openWorld({ user });
        await world.run(['sh', '-c', 'echo good > cache/f; echo x > cache/gone'], { options });
        const failed = await world.run(
          ['sh', '-c', 'echo bad > cache/f; rm cache/gone; echo bad > cache/new; exit 3'],
          {
            options,
          },
        );
        expect(failed.code).toBe(3);
        const killed = world.startRun(['sh', '-c', 'echo bad > cache/f; rm cache/gone; echo ready; read line'], {
          options,
          input: null,
        });
        await killed.said('ready');
        killed.child.kill('SIGKILL');
        killed.child.stdin?.end();
        await killed.finished.catch(() => undefined);
        const next = await world.run(['sh', '-c', 'cd cache; ls; cat f'], { options });
        expect(next.stdout).toBe('f\ngone\ngood\n');
      });

      test('reports a removed directory clearly, and keeps all earlier saves', async ({ skip }) => {
        skip(mounter === 'overlay', 'a mount has no directory of its own');
        using world = openWorld({ user });
        await world.run(['sh', '-c', 'echo good > cache/f'], { options });
        const run = await world.run(['sh', '-c', `rm -r ${world.store}/kept/${mounter}-*/0/tree`], { options });
        expect(run.code).toBe(0);
        expect(run.stderr).toMatch(
          /data was not saved: the directory of the volume is gone: something removed .*\/tree; earlier saves/,
        );
        expect(run.stderr).not.toContain('ENOENT');
        expect((await world.run(['sh', '-c', 'cat cache/f'], { options })).stdout).toBe('good\n');
      });

      test.each(['data:cache', 'npm'])('runs the command once, whatever its exit code: %s', async (volume) => {
        using world = openWorld({ user });
        for (const code of [99, 98, 71]) {
          const run = await world.run(['sh', '-c', `echo ran; exit ${code}`], {
            options: ['-v', volume, '--mounter', mounter, '--strict'],
          });
          expect(run).toMatchObject({ code, stdout: 'ran\n' });
        }
      });

      test('leaves the host’s own directory alone', async () => {
        using world = openWorld({ user });
        world.write({ 'home/.npm/mine': 'mine' });
        const npm = ['-v', 'npm', '--mounter', mounter];
        const run = await world.run(['sh', '-c', 'npm config get cache; ls ~/.npm'], { options: npm });
        expect(run.code).toBe(0);
        expect(readFileSync(join(world.home, '.npm/mine'), 'utf8')).toBe('mine');
        const [where = ''] = run.stdout.split('\n');
        if (mounter === 'overlay') expect(where).toBe(join(world.home, '.npm'));
        else expect(where.startsWith(join(world.store, 'kept'))).toBe(true);
      });
    },
  );
});

requireCommands(
  'bwrap',
  'flock',
  'npm',
)('npm without mounts', () => {
  test.each(['clone', 'live'] as const)(
    '%s: two runs at once each add packages, and both work offline',
    async (mounter) => {
      const [left, right] = [somePackages('left', 2), somePackages('right', 2)];
      await using registry = await startLocalRegistry([...left, ...right]);
      using world = openWorld({ env: { npm_config_registry: registry.url } });
      const project = world.project('app', { 'package.json': '{"name":"app","version":"1.0.0"}' });
      const options = ['-v', 'npm', '-n', 'acme/app', '--mounter', mounter];
      const runs = [left, right].map((packages, index) =>
        world.startRun(['npm', 'install', '--no-save', ...packages.map(({ name }) => name)], {
          cwd: world.project(`clone-${index}`, { 'package.json': '{"name":"app","version":"1.0.0"}' }),
          options,
        }),
      );
      for (const run of runs) expect((await run.finished).code).toBe(0);
      await registry[Symbol.asyncDispose]();
      const names = [...left, ...right].map(({ name }) => name);
      const offline = await world.run(['npm', 'install', '--offline', ...names], { cwd: project, options });
      expect(offline).toMatchObject({ code: 0 });
      expect(offline.volume('npm')).toMatchObject({ mounter, layer: null, skipped: null });
    },
  );
});

requireCommands('bwrap', 'flock')('where one run can mount and another cannot', () => {
  test.each(['clone', 'live'])('%s: a symlink of one run does not remove a mount of the other', async (mounter) => {
    using world = openWorld();
    const options = ['-v', 'data:cache'];
    const first = world.startRun(
      ['sh', '-c', 'echo early > cache/early; echo ready; read line; echo late > cache/late; ls cache'],
      { options, input: null },
    );
    await first.said('ready');
    cannotMount(world);
    const second = await world.run(['true'], { options: [...options, '--mounter', mounter] });
    expect(second.code).toBe(0);
    expect(second.volume('data')).toMatchObject({ mounter: null });
    expect(second.stderr).toContain('another run has attached a volume at');
    first.child.stdin?.end('go\n');
    const ended = await first.finished;
    expect(ended.stdout).toBe('ready\nearly\nlate\n');
    expect(ended.volume('data')).toMatchObject({ added: 2, skipped: null });
    expect(existsSync(join(world.dir, 'cache'))).toBe(false);
    expect((await world.run(['ls', 'cache'], { options })).stdout).toBe('early\nlate\n');
  });
});

requireCommands('flock')('where mounts are impossible', () => {
  describe.each(worldUsers)('as %s', (user) => {
    test('a run gets its own directory, says so, and is warm the second time', async () => {
      using world = openWorld({ user });
      cannotMount(world);
      const options = ['--verbose', '-v', 'data:cache', '-v', 'npm'];
      const script = 'cat cache/f; echo 1 >> cache/f; npm config get cache';
      const cold = await world.run(['sh', '-c', script], { options });
      expect(cold.code).toBe(0);
      for (const name of ['data', 'npm']) {
        expect(cold.volume(name)).toMatchObject({
          mounter: 'clone',
          mounterWhy: expect.stringMatching(/^volumes cannot be mounted here: .*new namespace/) as string,
        });
      }
      expect(cold.stderr).toContain('clone: volumes cannot be mounted here');
      expect(existsSync(join(world.dir, 'cache'))).toBe(false);
      const warm = await world.run(['sh', '-c', script], { options });
      expect(warm.stdout.startsWith('1\n')).toBe(true);
      expect(warm.volume('data').hits).toHaveLength(1);
    });

    test('a run without its volume does not block the next one', async () => {
      using world = openWorld({ user });
      cannotMount(world);
      const options = ['-v', 'data:cache'];
      const script = ['sh', '-c', 'echo ready; read line'];
      const first = world.startRun(script, { options, input: null });
      await first.said('ready');
      const cold = world.startRun(script, { options, input: null });
      await cold.said('ready');
      first.child.stdin?.end('go\n');
      await first.finished;
      expect((await world.run(['true'], { options })).volume('data')).toMatchObject({ mounter: 'clone' });
      cold.child.stdin?.end('go\n');
      expect((await cold.finished).volume('data').mounter).toBeNull();
    });

    test('a killed run’s symlink blocks nobody, and an empty directory is restored', async () => {
      using world = openWorld({ user });
      cannotMount(world);
      const options = ['-v', 'data:cache'];
      await world.run(['sh', '-c', 'echo good > cache/f'], { options });
      const killed = world.startRun(['sh', '-c', 'echo bad > cache/f; echo ready; read line'], {
        options,
        input: null,
      });
      await killed.said('ready');
      killed.child.kill('SIGKILL');
      killed.child.stdin?.end();
      await killed.finished.catch(() => undefined);
      const next = await world.run(['sh', '-c', 'cat cache/f'], { options });
      expect(next).toMatchObject({ code: 0, stdout: 'good\n' });
      world.exec(['mkdir', '-m', '711', 'cache']);
      expect((await world.run(['sh', '-c', 'cat cache/f'], { options })).stdout).toBe('good\n');
      expect(world.exec(['stat', '-c', '%a %F', 'cache']).stdout).toBe('711 directory\n');
    });

    test('the next run, whatever its volumes, restores an empty directory that a killed run’s symlink replaced', async () => {
      using world = openWorld({ user });
      cannotMount(world);
      world.exec(['mkdir', '-m', '700', 'cache']);
      const killed = world.startRun(['sh', '-c', 'echo bad > cache/f; echo ready; read line'], {
        options: ['-v', 'data:cache'],
        input: null,
      });
      await killed.said('ready');
      killed.child.kill('SIGKILL');
      killed.child.stdin?.end();
      await killed.finished.catch(() => undefined);
      expect((await world.run(['true'], { options: ['-v', 'npm'] })).code).toBe(0);
      expect(world.exec(['stat', '-c', '%a %F', 'cache']).stdout).toBe('700 directory\n');
      world.write({ 'cache/host': 'host' });
      await world.run(['true'], { options: ['-v', 'data:cache'] });
      expect(readFileSync(join(world.dir, 'cache/host'), 'utf8')).toBe('host');
    });

    test('two stores at one path: the second run goes without, and none of its files get into the first one’s directory', async () => {
      using world = openWorld({ user });
      cannotMount(world);
      world.exec(['mkdir', '-m', '700', 'cache']);
      const options = ['-v', 'data:cache'];
      const first = world.startRun(['sh', '-c', 'echo ready; read line; echo 1 > cache/one; ls cache'], {
        options,
        input: null,
      });
      await first.said('ready');
      const env = { CACHELANE_HOME: join(world.dir, 'another-store') };
      const second = await world.run(['true'], { options, env });
      expect(second.volume('data')).toMatchObject({ mounter: null });
      expect(second.stderr).toContain('another run has attached a volume at');
      first.child.stdin?.end('go\n');
      const ended = await first.finished;
      expect(ended.stdout).toBe('ready\none\n');
      expect(ended.volume('data')).toMatchObject({ added: 1, skipped: null });
      expect(world.exec(['stat', '-c', '%a %F', 'cache']).stdout).toBe('700 directory\n');
      expect((await world.run(['ls', 'cache'], { options, env })).stdout).toBe('');
    });

    test('a run that removes all permissions from the volume blocks no later run', async () => {
      using world = openWorld({ user });
      cannotMount(world);
      const options = ['-v', 'data:cache'];
      await world.run(['sh', '-c', 'echo good > cache/f'], { options });
      expect((await world.run(['sh', '-c', 'chmod 0 cache/.; exit 1'], { options })).code).toBe(1);
      expect((await world.run(['sh', '-c', 'cat cache/f'], { options })).stdout).toBe('good\n');
    });

    test('a run reports that its command replaced the symlink with a directory', async () => {
      using world = openWorld({ user });
      cannotMount(world);
      const options = ['-v', 'data:cache'];
      await world.run(['sh', '-c', 'echo good > cache/f'], { options });
      const script = 'echo x > cache/x; rm -rf cache; mkdir cache; echo mine > cache/mine';
      const strict = await world.run(['sh', '-c', script], { options: [...options, '--strict'] });
      expect(strict).toMatchObject({
        code: 125,
        stderr: expect.stringContaining('was replaced by a directory') as string,
      });
      world.exec(['rm', '-r', 'cache']);
      const run = await world.run(['sh', '-c', script], { options });
      expect(run.code).toBe(0);
      expect(run.stderr).toContain(
        `warning: data: the symlink at ${join(world.dir, 'cache')} to the volume was replaced by a directory: it is not saved, and it blocks the next run`,
      );
      expect(run.volume('data')).toMatchObject({ layer: null, skipped: expect.stringContaining('replaced') as string });
      expect(readFileSync(join(world.dir, 'cache/mine'), 'utf8')).toBe('mine\n');
      world.exec(['rm', '-r', 'cache']);
      expect((await world.run(['sh', '-c', 'ls cache'], { options })).stdout).toBe('f\n');
    });

    test.each(['clone', 'live'])(
      '%s: a command that removes the symlink deletes no files, and the run reports it',
      async (mounter) => {
        using world = openWorld({ user });
        cannotMount(world);
        const options = ['-v', 'data:cache', '--mounter', mounter];
        await world.run(['sh', '-c', 'echo good > cache/f'], { options });
        const run = await world.run(['sh', '-c', 'rm -rf cache'], { options });
        expect(run.stderr).toContain('was removed; the volume is unchanged');
        expect((await world.run(['sh', '-c', 'cat cache/f'], { options })).stdout).toBe('good\n');
      },
    );

    test('a directory with files is left alone, and the run continues without that volume', async () => {
      using world = openWorld({ user });
      cannotMount(world);
      world.write({ 'cache/mine': 'mine' });
      const run = await world.run(['sh', '-c', 'cat cache/mine'], { options: ['-v', 'data:cache'] });
      expect(run).toMatchObject({ code: 0, stdout: 'mine' });
      expect(run.volume('data')).toMatchObject({ mounter: null });
      expect(run.stderr).toContain('holds files, and nothing can be mounted over them here');
    });

    test('processes that outlive the command are found by their inherited marks and ended', async () => {
      using world = openWorld({ user });
      cannotMount(world);
      const run = await world.run(['sh', '-c', 'sleep 1000 & env -i sleep 1000 & echo x > cache/f'], {
        options: ['-v', 'data:cache'],
      });
      expect(run.code).toBe(0);
      expect(run.stderr).toMatch(/sleep.*sleep|2 processes/s);
      expect(run.volume('data')).toMatchObject({ added: 1 });
    });

    test('an explicitly chosen overlay is not replaced by another mounter', async () => {
      using world = openWorld({ user });
      cannotMount(world);
      const run = await world.cachelane(['run', '--strict', '--mounter=overlay', '-v', 'data:cache', '--', 'true']);
      expect(run).toMatchObject({ code: 125, stderr: expect.stringContaining('could not be mounted') as string });
    });
  });
});
