import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import type { AttachedVolume, SeedFiles } from '@cachelane/core';
import { attachRequest, seedFilesConformance, type SeedFilesFixture, type VolumeStep } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openCloneMounter } from '../kept/clone-mounter.ts';
import { createKeptHome } from '../kept/kept-home.fixture.ts';
import { openSeedFiles } from './seed-files.ts';

interface SeedHome extends SeedFilesFixture {
  readonly home: string;
  /** A directory beside the home. */
  readonly machine: string;
  readonly seeds: SeedFiles;
}

async function createSeedHome(): Promise<SeedHome> {
  const kept = await createKeptHome(openCloneMounter);
  const home = fs.realpathSync(kept.dir);
  const dir = `${kept.targets}/seed`;
  const at = { mount: { kind: 'directory', path: dir, target: dir, bind: false } } as AttachedVolume;
  return {
    home,
    machine: kept.targets,
    seeds: openSeedFiles({ dir: home }),
    directory(steps: readonly VolumeStep[]) {
      fs.rmSync(dir, { recursive: true, force: true });
      fs.mkdirSync(dir);
      void kept.run(at, steps);
      return dir;
    },
    file: `${kept.targets}/file`,
    missing: `${kept.targets}/none`,
    attach: async () => await kept.mounter.attach(attachRequest(kept, { kept: null, reach: 'setting' }), noAbort),
    look: async (volume) => await kept.look(volume),
    [Symbol.asyncDispose]: async () => await kept[Symbol.asyncDispose](),
  };
}

const noAbort = new AbortController().signal;

seedFilesConformance('store', createSeedHome);

describe('an image of a registry', () => {
  test.each([
    ['3', 3],
    ['-1', 0],
    ['many', 0],
    [null, 0],
  ])('with %j skipped symlinks reports them when it is copied', async (text, leftOut) => {
    await using on = await createSeedHome();
    const tree = `${on.home}/images/sha256-a.boot/tree`;
    fs.mkdirSync(`${tree}/part`, { recursive: true });
    fs.writeFileSync(`${tree}/part/a`, 'a');
    if (text !== null) fs.writeFileSync(`${tree}/../left-out`, text);
    const copied = async (dir: string) =>
      await on.seeds.copy(dir, { into: (await on.attach()).mount, maxBytes: 100 }, noAbort);
    expect(await copied(tree)).toEqual({ leftOut });
    // The note does not tell which part they were in.
    expect(await copied(`${tree}/part`)).toEqual({ leftOut: 0 });
  });
});

describe('a directory that a volume is seeded from', () => {
  test('may be named by a symlink, but symlinks in it are not followed', async () => {
    await using on = await createSeedHome();
    fs.mkdirSync(`${on.machine}/secret`);
    fs.writeFileSync(`${on.machine}/secret/key`, 'key');
    const dir = on.directory([
      { do: 'write', path: 'a', content: 'a' },
      { do: 'symlink', path: 'leads', target: '../secret' },
    ]);
    fs.symlinkSync('seed', `${on.machine}/link`);
    expect(await on.seeds.look(`${on.machine}/link`, noAbort)).toEqual(await on.seeds.look(dir, noAbort));
    const volume = await on.attach();
    expect(await on.seeds.copy(`${on.machine}/link`, { into: volume.mount, maxBytes: 100 }, noAbort)).toEqual({
      leftOut: 1,
    });
    expect([...(await on.look(volume)).keys()]).toEqual(['a']);
  });

  test('a dangling symlink is reported as missing, and a symlink to itself as unreadable', async () => {
    await using on = await createSeedHome();
    fs.symlinkSync('none', `${on.machine}/dangling`);
    fs.symlinkSync('loop', `${on.machine}/loop`);
    const look = async (name: string): Promise<unknown> => await on.seeds.look(`${on.machine}/${name}`, noAbort);
    await expect(look('dangling')).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
    await expect(look('loop')).rejects.toMatchObject({ code: 'E_USAGE' });
  });

  test('may not be inside the store or contain it', async () => {
    await using on = await createSeedHome();
    fs.symlinkSync(on.home, `${on.machine}/to-home`);
    fs.mkdirSync(`${on.home}/kept`, { recursive: true });
    for (const dir of [on.home, `${on.home}/kept`, fs.realpathSync(`${on.home}/..`), `${on.machine}/to-home`]) {
      await expect(on.seeds.look(dir, noAbort)).rejects.toMatchObject({
        code: 'E_USAGE',
        message: `${dir} is inside the store, or contains it`,
      });
    }
    expect((await on.seeds.look(on.directory([]), noAbort)).stamp).toMatch(/^[0-9a-f]{64}$/);
  });

  test('gets a new stamp after an edit that keeps size and time', async () => {
    await using on = await createSeedHome();
    const dir = on.directory([{ do: 'write', path: 'a', content: 'one' }]);
    const before = await on.seeds.look(dir, noAbort);
    const { atime, mtime } = fs.statSync(`${dir}/a`);
    // The file system's clock has coarse ticks.
    while (fs.statSync(`${dir}/a`).ctimeMs <= before.changedAtMs + 10) fs.utimesSync(`${dir}/a`, atime, mtime);
    const touched = await on.seeds.look(dir, noAbort);
    fs.writeFileSync(`${dir}/a`, 'two');
    while (fs.statSync(`${dir}/a`).ctimeMs <= touched.changedAtMs + 10) fs.utimesSync(`${dir}/a`, atime, mtime);
    const after = await on.seeds.look(dir, noAbort);
    expect(new Set([before.stamp, touched.stamp, after.stamp]).size).toBe(3);
    expect(after.changedAtMs).toBeGreaterThan(touched.changedAtMs);
  });

  test('counts a sparse file by its length, and is not read beyond the limit', async () => {
    await using on = await createSeedHome();
    const dir = on.directory([{ do: 'write', path: 'sparse', content: '' }]);
    fs.truncateSync(`${dir}/sparse`, 2 ** 40);
    const { sizeBytes } = await on.seeds.look(dir, noAbort);
    expect(sizeBytes).toBe(2 ** 40);
    const { mount } = await on.attach();
    const copy = on.seeds.copy(dir, { into: mount, maxBytes: 2 ** 22 }, noAbort);
    await expect(copy).rejects.toMatchObject({ code: 'E_QUOTA' });
  });

  test('does not block on a fifo', async () => {
    await using on = await createSeedHome();
    const dir = on.directory([]);
    execFileSync('mkfifo', [`${dir}/fifo`]);
    const { mount } = await on.attach();
    expect(await on.seeds.copy(dir, { into: mount, maxBytes: 0 }, noAbort)).toEqual({ leftOut: 1 });
  });
});
