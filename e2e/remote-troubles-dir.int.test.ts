import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, worldUsers, type World } from './cli.fixture.ts';
import { atEnd, atStart, expectKept, expectSent, expectSeen, runWith, type Env } from './remote-troubles.fixture.ts';

// A broken directory costs a run a line at each end and nothing else. Uses the bundled CLI.

const isRoot = worldUsers.includes('root');

function remoteIn(world: World): { readonly path: string; readonly env: Env } {
  const path = join(world.dir, 'shared');
  return { path, env: { CACHELANE_REMOTE: `dir:${path}` } };
}

const filesBelow = (path: string): readonly string[] =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

requireCommands('bwrap')('a directory', () => {
  test('that is missing', async () => {
    using world = openWorld();
    const { path, env } = remoteIn(world);
    expectKept(await runWith(world, { name: 'a', env }), [atStart, atEnd], {
      why: /there is no directory for dir:\S+shared/,
      mend: /: there is no directory for dir:\S+shared; create it/,
    });
    mkdirSync(path);
    await expectSent(world, env, ['a']);
  });

  test('that is a file', async () => {
    using world = openWorld();
    const { path, env } = remoteIn(world);
    writeFileSync(path, '');
    expectKept(await runWith(world, { name: 'a', env }), [atStart, atEnd], {
      why: /dir:\S+shared is not a directory/,
      mend: /: dir:\S+shared is not a directory; name a directory/,
    });
    rmSync(path);
    mkdirSync(path);
    await expectSent(world, env, ['a']);
  });

  test('whose server never answers, not even with an error', async () => {
    using world = openWorld();
    const { path, env } = remoteIn(world);
    mkdirSync(join(path, 'heads/about@'), { recursive: true });
    // A reader of the pipe blocks until a writer opens it.
    execFileSync('mkfifo', [join(path, 'heads/about@/1')]);
    const options = ['--remote-timeout', '1'];
    expectKept(await runWith(world, { name: 'a', env, options }), [atStart, atEnd], {
      why: /dir:\S+shared did not answer within 1 s/,
    });
    rmSync(join(path, 'heads'), { recursive: true });
    await expectSent(world, env, ['a']);
  });

  test('that disappears while the command runs', async () => {
    using world = openWorld();
    const { path, env } = remoteIn(world);
    mkdirSync(path);
    await runWith(world, { name: 'a', env });
    expectKept(await runWith(world, { name: 'b', env, more: `mv ${path} ${path}-away` }), [atEnd], {
      why: /there is no directory/,
    });
    renameSync(`${path}-away`, path);
    const pushed = await world.cachelane(['push'], { env });
    expect([pushed.code, pushed.stdout], pushed.stderr).toEqual([0, expect.stringMatching(/: sent 1 layer, /)]);
    await expectSeen(env, ['a', 'b']);
  });

  test('that is unmounted while the command runs: the empty mount point stays empty', async () => {
    using world = openWorld();
    const { path, env } = remoteIn(world);
    mkdirSync(path);
    await runWith(world, { name: 'a', env });
    const unmount = `mv ${path} ${path}-away; mkdir ${path}`;
    expectKept(await runWith(world, { name: 'b', env, more: unmount }), [atEnd], {
      why: /is empty now, and was not when the run began/,
      mend: /check whether it was unmounted/,
    });
    expect(readdirSync(path)).toEqual([]);
    rmSync(path, { recursive: true });
    renameSync(`${path}-away`, path);
    await expectSent(world, env, ['a', 'b']);
  });

  test('that another directory replaces while the command runs gets everything', async () => {
    using world = openWorld();
    using elsewhere = openWorld();
    const { path, env } = remoteIn(world);
    const other = remoteIn(elsewhere);
    mkdirSync(path);
    mkdirSync(other.path);
    await runWith(world, { name: 'a', env });
    await runWith(elsewhere, { name: 'x', env: other.env });
    const replace = `mv ${path} ${path}-away; cp -r ${other.path} ${path}`;
    const replaced = await runWith(world, { name: 'b', env, more: replace });
    expect([replaced.warnings, replaced.sync?.pushed]).toEqual([[], 'sent']);
    await expectSeen(env, ['a', 'b', 'x']);
  });

  test('with objects that a writer left incomplete', async () => {
    using world = openWorld();
    using elsewhere = openWorld();
    const { path, env } = remoteIn(world);
    const other = remoteIn(elsewhere);
    mkdirSync(path);
    mkdirSync(other.path);
    await runWith(world, { name: 'a', env });
    cpSync(join(path, 'objects'), join(other.path, 'objects'), { recursive: true });
    const objects = filesBelow(join(other.path, 'objects'));
    expect(objects).toHaveLength(2);
    for (const file of objects) truncateSync(file, statSync(file).size >> 1);
    mkdirSync(join(other.path, 'tmp'));
    writeFileSync(join(other.path, 'tmp/0123456789abcdef0123456789abcdef'), 'half of');
    await expectSent(world, other.env, ['a']);
  });

  test('with half of an object that a head names', async () => {
    using world = openWorld();
    using reader = openWorld();
    const { path, env } = remoteIn(world);
    mkdirSync(path);
    await runWith(world, { name: 'a', env });
    await runWith(world, { name: 'b', env });
    for (const file of filesBelow(join(path, 'objects/data')).slice(0, 1)) truncateSync(file, 10);
    const found = await runWith(reader, { name: 'c', env });
    expect(found.warnings).toHaveLength(1);
    expect(found.warnings[0]).toMatch(
      /layer \S+ of npm \(saved by run_\w+\) in dir:\S+ is left out: .*this run makes its contents again/,
    );
    expect(found.sync).toMatchObject({ pulledLayers: 1, pushed: 'sent' });
  });
});

describe.runIf(worldUsers.includes('ordinary user'))('as an ordinary user', () => {
  requireCommands('bwrap')('a directory', () => {
    test('that is read-only is still read', async () => {
      using world = openWorld({ user: 'ordinary user' });
      const { path, env } = remoteIn(world);
      world.exec(['mkdir', path]);
      await runWith(world, { name: 'a', env });
      world.exec(['chmod', '-R', 'a-w', path]);
      using reader = openWorld({ user: 'ordinary user' });
      const run = await runWith(reader, { name: 'b', env });
      expectKept(run, [atEnd], {
        why: /nothing can be written in dir:\S+/,
        mend: /; give this user write access, or do not push there/,
      });
      expect(run.sync).toMatchObject({ pulledLayers: 1 });
      world.exec(['chmod', '-R', 'u+w', path]);
      await expectSent(reader, env, ['a', 'b']);
    });

    test('that cannot be read', async () => {
      using world = openWorld({ user: 'ordinary user' });
      const { path, env } = remoteIn(world);
      world.exec(['mkdir', '-m', '0', path]);
      expectKept(await runWith(world, { name: 'a', env }), [atStart, atEnd], {
        why: /no permission to read in dir:|nothing can be written in dir:/,
      });
      world.exec(['chmod', '700', path]);
      await expectSent(world, env, ['a']);
    });
  });
});

describe.runIf(isRoot)('as root', () => {
  requireCommands(
    'bwrap',
    'mount',
    'umount',
  )('a disk', () => {
    test('that is full', async () => {
      using world = openWorld();
      const { path, env } = remoteIn(world);
      mkdirSync(path);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=300k', 'tmpfs', path]);
      try {
        await runWith(world, { name: 'a', env });
        const more = 'head -c 2000000 /dev/urandom > ~/.npm/b-big';
        expectKept(await runWith(world, { name: 'b', env, more, added: 2 }), [atEnd], {
          why: /there is no space left in dir:/,
          mend: /; free some space there/,
        });
        // Files that fit are still stored after one that does not.
        using other = openWorld();
        expect((await runWith(other, { name: 'c', env })).sync).toMatchObject({ pushed: 'sent' });
        execFileSync('mount', ['-o', 'remount,size=16m', path]);
        await expectSent(world, env, ['a', 'b', 'b-big', 'c']);
      } finally {
        execFileSync('umount', [path]);
      }
    });
  });
});
