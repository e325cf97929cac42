import * as fs from 'node:fs';
import { join } from 'node:path';
import type { AttachedVolume, AttachRequest } from '@cachelane/core';
import { attachRequest, deathPoints, dyingProcess, SimulatedCrash, type DeathPoint } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openCloneMounter } from '../kept/clone-mounter.ts';
import { createKeptHome, type KeptHome } from '../kept/kept-home.fixture.ts';
import { openLiveMounter } from '../kept/live-mounter.ts';

const noAbort = new AbortController().signal;

const mounters = [
  ['clone', openCloneMounter],
  ['live', openLiveMounter],
] as const;

/** Makes `existing`, an empty directory with an unusual mode. */
function givenUp(home: KeptHome): string {
  const path = join(home.targets, 'existing');
  fs.chmodSync(path, 0o1722);
  return path;
}

const modeOf = (path: string): string => {
  const stat = fs.lstatSync(path);
  return `${stat.isSymbolicLink() ? 'link' : 'directory'} ${(stat.mode & 0o7777).toString(8)}`;
};

async function attach(home: KeptHome, given: Partial<AttachRequest>): Promise<AttachedVolume> {
  return await home.mounter.attach(attachRequest(home, given), noAbort);
}

function treeOf({ mount }: AttachedVolume): string {
  if (mount.kind !== 'directory') throw new Error('this is not a directory');
  return mount.path;
}

describe.each(mounters)('%s, by a symlink', (_name, openMounter) => {
  test('an empty directory is replaced, and restored when the run ends', async () => {
    await using home = await createKeptHome(openMounter);
    const target = givenUp(home);
    const volume = await attach(home, { target });
    expect(fs.readlinkSync(target)).toBe(treeOf(volume));
    expect(volume.madeDirs).toEqual([]);
    await volume.release(noAbort);
    expect(modeOf(target)).toBe('directory 1722');
  });

  test('a dead run’s link is removed with its session, and the directory is restored', async () => {
    await using home = await createKeptHome(openMounter);
    const target = givenUp(home);
    const request = attachRequest(home, { target });
    await home.mounter.attach(request, noAbort);
    await home.open().discardSession(request.sessionId, noAbort);
    expect(modeOf(target)).toBe('directory 1722');
    expect(home.leftovers()).toEqual([]);
    // Repeats it, like another process that found the session dead.
    await home.open().discardSession(request.sessionId, noAbort);
    expect(modeOf(target)).toBe('directory 1722');
  });

  test('a dead run’s link in the way of another volume is removed, and the directory is restored', async () => {
    await using home = await createKeptHome(openMounter);
    const target = givenUp(home);
    const request = attachRequest(home, { target });
    const first = await home.mounter.attach(request, noAbort);
    fs.rmSync(join(treeOf(first), '../users', `${request.sessionId}.0`));
    const other = await attach(home, { target, kept: null });
    expect(fs.readlinkSync(target)).toBe(treeOf(other));
    await other.release(noAbort);
    expect(modeOf(target)).toBe('directory 1722');
  });

  test('a foreign file at the place stays', async () => {
    await using home = await createKeptHome(openMounter);
    const target = givenUp(home);
    const volume = await attach(home, { target });
    fs.unlinkSync(target);
    fs.mkdirSync(target, { mode: 0o711 });
    await volume.release(noAbort);
    expect(modeOf(target)).toBe('directory 711');
  });

  test('another store’s run at the same place is refused and changes nothing', async () => {
    await using home = await createKeptHome(openMounter);
    await using other = await createKeptHome(openMounter);
    const target = givenUp(home);
    const volume = await attach(home, { target });
    fs.mkdirSync(join(treeOf(volume), 'sub'));
    for (const reach of ['symlink', 'bind'] as const) {
      await expect(attach(other, { target, reach })).rejects.toMatchObject({
        code: 'E_MOUNT_POINT',
        message: expect.stringContaining('another run has attached a volume at') as string,
      });
      await expect(attach(other, { target: join(target, 'sub'), reach })).rejects.toMatchObject({
        code: 'E_MOUNT_POINT',
        message: expect.stringContaining('is the directory of a volume, or inside one') as string,
      });
    }
    expect(other.leftovers()).toEqual([]);
    expect(fs.readlinkSync(target)).toBe(treeOf(volume));
    await volume.release(noAbort);
    expect(modeOf(target)).toBe('directory 1722');
    await (await attach(other, { target })).release(noAbort);
    expect(modeOf(target)).toBe('directory 1722');
  });

  test.each([true, false])(
    'an empty directory that another run mounts on, started: %s, is not replaced',
    async (isStarted) => {
      await using home = await createKeptHome(openMounter);
      const target = givenUp(home);
      const { ino } = fs.lstatSync(target);
      for (const path of [target, join(target, 'below')]) {
        const mounts = [
          { path: join(home.targets, 'other'), isStarted: false },
          { path, isStarted },
        ];
        const amongMounts = async (use: (all: typeof mounts) => void): Promise<void> => {
          await Promise.resolve();
          use(mounts);
        };
        await expect(attach(home, { target, amongMounts })).rejects.toMatchObject({
          code: 'E_MOUNT_POINT',
          message: expect.stringContaining('another run has attached a volume at') as string,
          retryable: !isStarted,
        });
      }
      expect(fs.lstatSync(target).ino).toBe(ino);
      expect(modeOf(target)).toBe('directory 1722');
      expect(home.leftovers()).toEqual([]);
    },
  );

  const dyingAt = async (point: DeathPoint): Promise<readonly string[]> => {
    await using home = await createKeptHome(openMounter);
    const target = join(home.targets, 'existing');
    fs.chmodSync(target, 0o711);
    const life = dyingProcess(point);
    const request = attachRequest(home, { target });
    try {
      const volume = await home.open(life.wrap(home.files)).attach(request, noAbort);
      await volume.release(noAbort);
    } catch (error) {
      if (!(error instanceof SimulatedCrash) && !((error as Error).cause instanceof SimulatedCrash)) throw error;
    }
    const where = `${point.when} operation ${point.operation}`;
    expect(life.isDead, where).toBe(point.operation > 0);
    await home.open().discardSession(request.sessionId, noAbort);
    await (await attach(home, { target, kept: request.kept })).release(noAbort);
    expect(modeOf(target), where).toBe('directory 711');
    return life.operations;
  };

  test('after a death at any step, the next run restores the directory', async () => {
    const operations = await dyingAt({ operation: 0, when: 'before' });
    expect(operations.length).toBeGreaterThan(3);
    for (const point of deathPoints(operations)) await dyingAt(point);
  });
});

describe('live, by a symlink', () => {
  test('the run that made the link may end first, and the last run restores the directory', async () => {
    await using home = await createKeptHome(openLiveMounter);
    const target = givenUp(home);
    const { kept } = attachRequest(home);
    const first = await attach(home, { target, kept });
    const second = await attach(home, { target, kept });
    await first.release(noAbort);
    expect(fs.readlinkSync(target)).toBe(treeOf(second));
    await second.release(noAbort);
    expect(modeOf(target)).toBe('directory 1722');
  });

  test('a dead run keeps the links of live runs, and the last run removes them all', async () => {
    await using home = await createKeptHome(openLiveMounter);
    const target = givenUp(home);
    const elsewhere = join(home.targets, 'elsewhere');
    const dead = attachRequest(home, { target });
    await home.mounter.attach(dead, noAbort);
    const second = await attach(home, { target: elsewhere, kept: dead.kept });
    await home.open().discardSession(dead.sessionId, noAbort);
    expect(fs.readlinkSync(target)).toBe(treeOf(second));
    await second.release(noAbort);
    expect(modeOf(target)).toBe('directory 1722');
    expect(fs.existsSync(elsewhere)).toBe(false);
  });
});
