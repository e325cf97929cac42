import * as fs from 'node:fs';
import type { AttachedVolume, OverlayMount, SessionId } from '@cachelane/core';
import { attachRequest, dyingProcess, SimulatedCrash } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import type { StoreFiles } from '../files/store-files.ts';
import { createOverlayHome, type OverlayHome } from './overlay-home.fixture.ts';
import { openOverlayMounter } from './overlay-mounter.ts';

const noAbort = new AbortController().signal;
const sessionId = `ses_${'01'.repeat(16)}` as SessionId;

function attach(
  home: OverlayHome,
  target: string,
  files: StoreFiles = home.files,
): Promise<AttachedVolume<OverlayMount>> {
  const mounter = openOverlayMounter({ dir: home.dir, files });
  return mounter.attach(attachRequest(home, { sessionId, target }), noAbort);
}

describe('a target', () => {
  test.each([
    ['the root', () => '/'],
    ['the home itself', (home: OverlayHome) => home.dir],
    ['a directory that contains the home', (home: OverlayHome) => home.dir.slice(0, home.dir.lastIndexOf('/'))],
    ['inside the home', (home: OverlayHome) => `${home.dir}/layers/x`],
    ['a dangling symlink', (home: OverlayHome) => `${home.targets}/dangling`],
    ['below a dangling symlink', (home: OverlayHome) => `${home.targets}/dangling/below`],
    ['a loop', (home: OverlayHome) => `${home.targets}/loop`],
    ['a symlink to a file', (home: OverlayHome) => `${home.targets}/to-file`],
  ])('cannot be %s', async (_, targetOf) => {
    await using home = await createOverlayHome();
    fs.symlinkSync('/no/such/place', `${home.targets}/dangling`);
    fs.symlinkSync('loop', `${home.targets}/loop`);
    fs.symlinkSync('file', `${home.targets}/to-file`);
    await expect(attach(home, targetOf(home))).rejects.toEqual(expect.objectContaining({ code: 'E_MOUNT_POINT' }));
    expect(home.leftovers()).toEqual([]);
  });

  test('named by symlinks is where they lead', async () => {
    await using home = await createOverlayHome();
    fs.symlinkSync('existing', `${home.targets}/link`);
    const volume = await attach(home, `${home.targets}/link/../link/new`);
    expect(volume.mount.target).toBe(`${home.targets}/existing/new`);
    expect(volume.madeDirs).toEqual([`${home.targets}/existing/new`]);
  });

  test('gives the volume its mode, but keeps it accessible for the owner', async () => {
    await using home = await createOverlayHome();
    const modeAt = async (mode: number): Promise<number> => {
      fs.chmodSync(`${home.targets}/existing`, mode);
      const volume = await attach(home, `${home.targets}/existing`);
      const { upperDir } = volume.mount;
      const found = fs.statSync(upperDir).mode & 0o7777;
      await volume.release(noAbort);
      return found;
    };
    expect(await modeAt(0o700)).toBe(0o700);
    expect(await modeAt(0o2775)).toBe(0o775);
    expect(await modeAt(0o555)).toBe(0o755);
  });

  test('that another session creates at the same moment belongs to that session', async () => {
    await using home = await createOverlayHome();
    const target = `${home.targets}/contested`;
    const files: StoreFiles = {
      ...home.files,
      makeDir: (path, mode) => {
        if (path === target) fs.mkdirSync(path);
        home.files.makeDir(path, mode);
      },
    };
    expect((await attach(home, target, files)).madeDirs).toEqual([]);
  });
});

describe('a process that dies while it attaches', () => {
  test('leaves only what its session owns', async () => {
    for (let operation = 1; ; operation++) {
      await using home = await createOverlayHome();
      const process = dyingProcess({ operation, when: 'after' });
      const files = process.wrap(home.files);
      const outcome = await attach(home, `${home.targets}/a/b`, files)
        .then((volume) => volume.release(noAbort))
        .catch((error: unknown) => error);
      await home.mounter.discardSession(sessionId, noAbort);
      expect(home.leftovers()).toEqual([]);
      home.mounter.removeTargets([`${home.targets}/a`, `${home.targets}/a/b`]);
      expect(fs.existsSync(`${home.targets}/a`)).toBe(false);
      if (!process.isDead) {
        expect(operation).toBeGreaterThan(8);
        return;
      }
      expect(outcome ?? new SimulatedCrash()).toBeInstanceOf(SimulatedCrash);
    }
  });
});
