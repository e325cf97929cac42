import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { attachRequest } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { createOverlayHome } from '../overlay/overlay-home.fixture.ts';
import { openCloneMounter } from '../kept/clone-mounter.ts';
import { createKeptHome } from '../kept/kept-home.fixture.ts';

const noAbort = new AbortController().signal;

/** Makes what a repository could contain: a directory in our form, with notes beside it. */
function forge(repository: string, notes: readonly string[]): string {
  const slot = join(repository, '.cachelane/live-evil/0');
  for (const dir of ['links', 'tree']) fs.mkdirSync(join(slot, dir), { recursive: true });
  for (const path of notes) writeNote(slot, path, path);
  return join(slot, 'tree');
}

/** Writes the note that belongs to `name`. */
function writeNote(slot: string, name: string, path: string): void {
  const file = createHash('sha256').update(name).digest('hex').slice(0, 24);
  const gaveWay = { mode: 0o1777, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  fs.writeFileSync(join(slot, 'links', file), JSON.stringify({ path, gaveWay }));
}

const modeOf = (path: string): number | undefined => {
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  return stat === undefined ? undefined : stat.mode & 0o7777;
};

describe.each([
  ['clone', createKeptHome.bind(null, openCloneMounter)],
  ['overlay', createOverlayHome],
] as const)('%s, with a forged link in a repository', (_name, createHome) => {
  test('notes of a directory outside this home have no effect', async () => {
    await using home = await createHome();
    const target = join(home.targets, 'cache');
    const outside = join(home.targets, 'outside');
    fs.symlinkSync(forge(home.targets, [outside, target]), target);
    await (await home.mounter.attach(attachRequest(home, { target }), noAbort)).release(noAbort);
    expect(modeOf(outside)).toBeUndefined();
    // One mounter creates it for the run, the other does not.
    expect([undefined, 0o755]).toContain(modeOf(target));
  });

  test('a relative link is not ours: it stays, and the run is refused', async () => {
    await using home = await createHome();
    const target = join(home.targets, 'cache');
    const outside = join(home.targets, 'outside');
    forge(home.targets, [outside]);
    fs.symlinkSync('./.cachelane/live-evil/0/tree', target);
    await expect(home.mounter.attach(attachRequest(home, { target }), noAbort)).rejects.toMatchObject({
      code: 'E_MOUNT_POINT',
      message: expect.stringContaining('is the directory of a volume, or inside one') as string,
    });
    expect(modeOf(outside)).toBeUndefined();
    expect(fs.readlinkSync(target)).toBe('./.cachelane/live-evil/0/tree');
  });
});

describe('notes in this home', () => {
  test('count only for the path that they name', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const target = join(home.targets, 'existing');
    const outside = join(home.targets, 'outside');
    const slot = await leaveLink(home, target);
    writeNote(slot, target, outside);
    writeNote(slot, outside, outside);
    await (await home.mounter.attach(attachRequest(home, { target, kept: null }), noAbort)).release(noAbort);
    expect(modeOf(outside)).toBeUndefined();
  });

  test('count only if no other user can write them', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const target = join(home.targets, 'existing');
    const slot = await leaveLink(home, target);
    writeNote(slot, target, target);
    fs.chmodSync(join(slot, 'links'), 0o777);
    await (await home.mounter.attach(attachRequest(home, { target, kept: null }), noAbort)).release(noAbort);
    expect(modeOf(target)).toBeUndefined();
  });
});

/** Leaves the link of a run whose session has ended. Returns the directory of its notes. */
async function leaveLink(home: Awaited<ReturnType<typeof createKeptHome>>, target: string): Promise<string> {
  const request = attachRequest(home, { target });
  const { mount } = await home.mounter.attach(request, noAbort);
  if (mount.kind !== 'directory') throw new Error('this is not a directory');
  const slot = dirname(mount.path);
  fs.rmSync(join(slot, 'users', `${request.sessionId}.0`));
  return slot;
}
