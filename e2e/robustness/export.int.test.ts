import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LayerId } from '@cachelane/core';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, worldUsers, type World } from '../cli.fixture.ts';
import { expectWholeHeads, headsIn, layerDir } from './store.fixture.ts';

const options = ['-v', 'data:data'];

const inVolume = async (world: World, script: string): Promise<string> =>
  (await world.run(['sh', '-ec', `cd data; ${script}`], { options: [...options, '--strict'] })).stdout;

const listed = 'find . -type f -printf "%P %m %TY\\n" | sort; find . -type l -printf "%P %l\\n"';

requireCommands(
  'bwrap',
  'flock',
  'tar',
  'zstd',
)('export and import', () => {
  describe.each(worldUsers)('as %s', (user) => {
    test('a volume arrives on another machine unchanged, with its history of runs', async () => {
      using from = openWorld({ user });
      using to = openWorld({ user });
      await inVolume(
        from,
        'mkdir d; echo 1 > d/one; echo 2 > two; chmod 600 two; touch -d 2001-02-03 d/one; ln -s d/one link',
      );
      await inVolume(from, 'rm two; echo 3 > three; rm -r d; mkdir d; echo 4 > d/four');
      const file = join(from.dir, 'data.export');
      const exported = await from.cachelane(['export', 'data', '-o', file, '--history']);
      expect(exported).toMatchObject({ code: 0 });
      expect(exported.stdout).toMatch(/^exported \S+:data \(lane t1:local, all 2 layers\) to \S+ \(/);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      // Any tar can extract it.
      expect(execFileSync('tar', ['-tf', file], { encoding: 'utf8' })).toMatch(/^cachelane-export\.json\nlayers\//);

      const there = join(to.dir, 'data.export');
      writeFileSync(there, readFileSync(file));
      const imported = await to.cachelane(['import', there, '--as', 'data:data']);
      expect(imported).toMatchObject({ code: 0 });
      expect(imported.stdout).toMatch(/^imported 2 layers \(.*\) of \S+:data t1:local into data, generation 2\n$/);
      expect(await inVolume(to, listed)).toBe(await inVolume(from, listed));
      expect(await inVolume(to, 'cat three d/four')).toBe('3\n4\n');
      const [a, b] = [await headsIn(from), await headsIn(to)];
      expect(b[0]?.layers).toEqual(a[0]?.layers);
      await expectWholeHeads(to);
      expect((await to.cachelane(['import', there, '--as', 'data:data'])).stdout).toBe(
        `nothing new in ${there}; 2 layers were there already\n`,
      );
      expect((await to.cachelane(['verify'])).code).toBe(0);
    });

    test('an export holds the volume as it is now, in one layer', async () => {
      using from = openWorld({ user });
      using to = openWorld({ user });
      await inVolume(from, 'mkdir d; seq 100000 > big; cp big d/again; ln -s d/again link');
      await inVolume(from, 'rm -r d; mkdir d; echo 4 > d/four; seq 100001 > big; cp -p big same');
      const file = join(to.dir, 'data.export');
      const exported = await from.cachelane(['export', 'data', '-o', join(from.dir, 'file')]);
      expect(exported.stdout).toMatch(/^exported \S+:data \(lane t1:local, as it is now\) to \S+ \(/);
      writeFileSync(file, readFileSync(join(from.dir, 'file')));
      expect(await to.json(['import', file, '--as', 'data:data'])).toMatchObject({ had: 0, generation: 1 });
      expect(await inVolume(to, listed)).toBe(await inVolume(from, listed));
      expect((await headsIn(to))[0]?.layers).toHaveLength(1);
      expect((await headsIn(from))[0]?.layers).toHaveLength(2);
      expect(readdirSync(join(from.store, 'staging'))).toEqual([]);
      await expectWholeHeads(to);
    });

    test('an import is merged with the lane’s contents', async () => {
      using from = openWorld({ user });
      using to = openWorld({ user });
      await inVolume(from, 'echo 1 > one; echo theirs > both');
      await inVolume(to, 'echo 2 > two; echo mine > both');
      const file = join(to.dir, 'file');
      await from.cachelane(['export', 'data', '-o', join(from.dir, 'file')]);
      writeFileSync(file, readFileSync(join(from.dir, 'file')));
      expect(await to.json(['import', file, '--as', 'data:data'])).toMatchObject({
        kind: 'export',
        had: 0,
        generation: 2,
      });
      expect(await inVolume(to, 'cat one two both')).toBe('1\n2\ntheirs\n');
    });
  });

  test('an export is refused if a file of it counts as a credential at the target path', async () => {
    using world = openWorld();
    const file = join(world.dir, 'file');
    await inVolume(world, 'echo 1 > config.json');
    await world.cachelane(['export', 'data', '-o', file]);
    await world.cachelane(['rm', 'data']);
    const told = await world.cachelane(['import', file, '--as', 'data:~/.docker']);
    expect(told.code).not.toBe(0);
    expect(told.stderr).toContain('config.json holds credentials, which are never stored');
    expect(await headsIn(world)).toEqual([]);
    // The refused import does not block the same import at another path.
    expect(await world.cachelane(['import', file, '--as', 'data:data'])).toMatchObject({ code: 0 });
    expect(await inVolume(world, 'cat config.json')).toBe('1\n');
  });

  test('a damaged file is refused with the reason, and the lane stays unchanged', async () => {
    using world = openWorld();
    await inVolume(world, 'echo 1 > one');
    const file = join(world.dir, 'file');
    await world.cachelane(['export', 'data', '-o', file]);
    const good = readFileSync(file);
    await world.cachelane(['rm', 'data']);
    await inVolume(world, 'echo 2 > two');
    const before = await headsIn(world);
    const bad = join(world.dir, 'bad');
    const at = good.indexOf('data.tar.zst') + 512 + 40;
    const flipped = Buffer.from(good);
    flipped[at] = (flipped[at] ?? 0) ^ 4;
    const earlier = good.toString('latin1').replace('"cachelane-volume"', '"cachelane-export"');
    for (const [bytes, why] of [
      [Buffer.from(earlier, 'latin1'), /an earlier build of cachelane made this export\n  export the volume again/],
      [flipped, /refused: .*\n  copy the file again, or export the volume again\n/],
      [good.subarray(0, 100), /it ends too early\n  copy the file again, or export the volume again\n/],
      [good.subarray(0, good.length >> 1), /too early|refused/],
      [Buffer.concat([good.subarray(0, 600), Buffer.alloc(2000)]), /no export|manifest/],
    ] as const) {
      writeFileSync(bad, bytes);
      const told = await world.cachelane(['import', bad, '--as', 'data:data']);
      expect(told.code).not.toBe(0);
      expect(told.stderr).toMatch(why);
      expect(await headsIn(world)).toEqual(before);
    }
    expect(await inVolume(world, 'ls')).toBe('two\n');
    expect(readdirSync(join(world.store, 'staging'))).toEqual([]);
  });

  test('an export to a missing directory is refused with the reason', async () => {
    using world = openWorld();
    await inVolume(world, 'echo 1 > one');
    expect(await world.cachelane(['export', 'data', '-o', join(world.dir, 'no/file')])).toMatchObject({
      code: 2,
      stderr: `cachelane: cannot write ${join(world.dir, 'no/file')}: there is no directory ${join(world.dir, 'no')}\n  create it, or name another file\n`,
    });
  });

  test('a damaged volume is not exported, and an older export stays', async () => {
    using world = openWorld();
    const run = await world.run(['sh', '-c', 'echo 1 > data/one'], { options });
    const file = join(world.dir, 'file');
    writeFileSync(file, 'older');
    writeFileSync(join(layerDir(world, run.volume('data').layer as LayerId), 'tree/one'), '!\n');
    const told = await world.cachelane(['export', 'data', '-o', file]);
    expect(told.code).toBe(1);
    expect(told.stderr).toContain('one in a layer differs from what was saved');
    expect(readFileSync(file, 'utf8')).toBe('older');
    expect(readdirSync(world.dir).filter((name) => name.endsWith('.new'))).toEqual([]);
  });

  test('an export of another tool is refused, and so is a layer with links out of the volume', async () => {
    using world = openWorld();
    await inVolume(world, 'ln -s /etc out');
    const file = join(world.dir, 'file');
    await world.cachelane(['export', 'data', '-o', file]);
    const npm = await world.cachelane(['import', file, '--as', 'npm']);
    expect(npm.stderr).toContain('the export holds a volume of directory, and npm is a volume of npm');
    await world.cachelane(['rm', 'data']);
    const out = await world.cachelane(['import', file, '--as', 'data:data']);
    expect(out.stderr).toContain('out is a symlink that leads out of the volume');
    expect(await headsIn(world)).toEqual([]);
  });

  test('an export is imported under its own name or any other name', async () => {
    using world = openWorld();
    world.write({ 'seed/_cacache/content-v2/sha512/aa/bb/cc': 'content', 'here/one': '1' });
    await world.cachelane(['import', 'seed', '--as', 'npm']);
    await world.cachelane(['export', 'npm', '-o', 'file']);
    await world.cachelane(['rm', 'npm']);
    expect((await world.cachelane(['import', 'file'])).stdout).toContain(' into npm, generation 1');
    expect((await world.cachelane(['import', 'file', '--as', 'npm-old'])).stdout).toContain(
      ' into npm-old, generation 1\n  to use it, write in cachelane.yaml: volumes: { npm-old: { tool: npm } }\n',
    );
    world.write({ 'cachelane.yaml': 'volumes: { npm-old: { tool: npm } }\n' });
    const seen = await world.run(['sh', '-c', 'cat ~/.npm/_cacache/content-v2/sha512/aa/bb/cc'], {
      options: ['--strict'],
    });
    expect(seen.stdout).toBe('content');
    expect((await world.cachelane(['import', 'file', '--as', 'npm-x:x'])).stderr).toBe(
      'cachelane: the export holds a volume of npm, and npm-x is a volume of directory\n  omit the path: --as npm-x\n',
    );
    expect((await world.cachelane(['import', 'file', '--as', 'github.com/other/x:npm'])).stdout).toContain(
      ' into github.com/other/x:npm, generation 1',
    );
    expect(await world.cachelane(['import', 'here'])).toMatchObject({
      code: 2,
      stderr: `cachelane: ${join(world.dir, 'here')} does not say which volume it belongs to\n  name one: --as npm, or --as NAME:PATH\n`,
    });
  });

  test('an export of a directory volume is imported without a path', async () => {
    using world = openWorld();
    await inVolume(world, 'echo 1 > one');
    await world.cachelane(['export', 'data', '-o', 'file']);
    await world.cachelane(['rm', 'data']);
    expect((await world.cachelane(['import', 'file'])).stdout).toContain(
      ' into data, generation 1\n  a run names its path: -v data:PATH\n',
    );
    expect((await world.cachelane(['import', 'file', '--as', 'data2'])).stdout).toContain(' into data2, generation 1');
    expect(await inVolume(world, 'cat one')).toBe('1\n');
  });

  test.each(['a directory', 'an archive', 'an archive of a home directory'])(
    '%s can be imported, without what is never stored',
    async (kind) => {
      using world = openWorld();
      const cache = join(world.dir, 'elsewhere/work/.npm');
      mkdirSync(join(cache, '_cacache/tmp'), { recursive: true });
      mkdirSync(join(cache, '_cacache/content-v2/sha512/aa/bb'), { recursive: true });
      writeFileSync(join(cache, '_cacache/tmp/x'), 'temporary');
      writeFileSync(join(cache, '_cacache/content-v2/sha512/aa/bb/cc'), 'content');
      const archive = join(world.dir, 'seed.tar.zst');
      if (kind === 'an archive') world.exec(['tar', '--zstd', '-cf', archive, '-C', cache, '.']);
      else if (kind !== 'a directory') world.exec(['tar', '--zstd', '-P', '-cf', archive, cache]);
      const told = await world.cachelane(['import', kind === 'a directory' ? cache : archive, '--as', 'npm']);
      expect(told).toMatchObject({ code: 0 });
      expect(told.stdout).toMatch(/^imported \S+ into npm: 1 added, 7 B, as layer [0-9a-f]{12}\n$/);
      const seen = await world.run(['sh', '-c', 'cd ~/.npm; find . -type f'], { options: ['-v', 'npm', '--strict'] });
      expect(seen.stdout).toBe('./_cacache/content-v2/sha512/aa/bb/cc\n');
      expect(existsSync(join(world.home, '.npm'))).toBe(false);
    },
  );
});
