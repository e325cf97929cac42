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
  /** Beside the home. */
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
  ])('of which %j symlinks were left out is copied as one that lacks so many', async (text, leftOut) => {
    await using on = await createSeedHome();
    const tree = `${on.home}/images/sha256-a.boot/tree`;
    fs.mkdirSync(`${tree}/part`, { recursive: true });
    fs.writeFileSync(`${tree}/part/a`, 'a');
    if (text !== null) fs.writeFileSync(`${tree}/../left-out`, text);
    const copied = async (dir: string) =>
      await on.seeds.copy(dir, { into: (await on.attach()).mount, maxBytes: 100 }, noAbort);
    expect(await copied(tree)).toEqual({ leftOut });
    // Nobody knows of which part they were.
    expect(await copied(`${tree}/part`)).toEqual({ leftOut: 0 });
  });
});

describe('a directory that a volume is seeded from', () => {
  test('may be reached by a symlink, and symlinks in it are not followed', async () => {
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

  test('a symlink that leads nowhere is told as what is not there, and one to itself as what cannot be read', async () => {
    await using on = await createSeedHome();
    fs.symlinkSync('none', `${on.machine}/dangling`);
    fs.symlinkSync('loop', `${on.machine}/loop`);
    const look = async (name: string): Promise<unknown> => await on.seeds.look(`${on.machine}/${name}`, noAbort);
    await expect(look('dangling')).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
    await expect(look('loop')).rejects.toMatchObject({ code: 'E_USAGE' });
  });

  test('is no part of the store, and the store no part of it', async () => {
    await using on = await createSeedHome();
    fs.symlinkSync(on.home, `${on.machine}/to-home`);
    fs.mkdirSync(`${on.home}/kept`, { recursive: true });
    for (const dir of [on.home, `${on.home}/kept`, fs.realpathSync(`${on.home}/..`), `${on.machine}/to-home`]) {
      await expect(on.seeds.look(dir, noAbort)).rejects.toMatchObject({
        code: 'E_USAGE',
        message: `${dir} lies in our own store, or the store in it`,
      });
    }
    expect((await on.seeds.look(on.directory([]), noAbort)).stamp).toMatch(/^[0-9a-f]{64}$/);
  });

  test('is another one after an edit that keeps size and time', async () => {
    await using on = await createSeedHome();
    const dir = on.directory([{ do: 'write', path: 'a', content: 'one' }]);
    const before = await on.seeds.look(dir, noAbort);
    const { atime, mtime } = fs.statSync(`${dir}/a`);
    // The clock of the file system goes in ticks.
    while (fs.statSync(`${dir}/a`).ctimeMs <= before.changedAtMs + 10) fs.utimesSync(`${dir}/a`, atime, mtime);
    const touched = await on.seeds.look(dir, noAbort);
    fs.writeFileSync(`${dir}/a`, 'two');
    while (fs.statSync(`${dir}/a`).ctimeMs <= touched.changedAtMs + 10) fs.utimesSync(`${dir}/a`, atime, mtime);
    const after = await on.seeds.look(dir, noAbort);
    expect(new Set([before.stamp, touched.stamp, after.stamp]).size).toBe(3);
    expect(after.changedAtMs).toBeGreaterThan(touched.changedAtMs);
  });

  test('counts by its length where it is sparse, and is read no further than its bound', async () => {
    await using on = await createSeedHome();
    const dir = on.directory([{ do: 'write', path: 'sparse', content: '' }]);
    fs.truncateSync(`${dir}/sparse`, 2 ** 40);
    const { sizeBytes } = await on.seeds.look(dir, noAbort);
    expect(sizeBytes).toBe(2 ** 40);
    const { mount } = await on.attach();
    const copy = on.seeds.copy(dir, { into: mount, maxBytes: 2 ** 22 }, noAbort);
    await expect(copy).rejects.toMatchObject({ code: 'E_QUOTA' });
  });

  test('has a fifo in it that is not waited for', async () => {
    await using on = await createSeedHome();
    const dir = on.directory([]);
    execFileSync('mkfifo', [`${dir}/fifo`]);
    const { mount } = await on.attach();
    expect(await on.seeds.copy(dir, { into: mount, maxBytes: 0 }, noAbort)).toEqual({ leftOut: 1 });
  });
});
