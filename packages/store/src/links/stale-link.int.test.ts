import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { attachRequest } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { createOverlayHome } from '../overlay/overlay-home.fixture.ts';
import { openCloneMounter } from '../kept/clone-mounter.ts';
import { createKeptHome } from '../kept/kept-home.fixture.ts';

const noAbort = new AbortController().signal;

/** What a repository can bring along: a directory of the form that ours have, and notes beside it. */
function forge(repository: string, notes: readonly string[]): string {
  const slot = join(repository, '.cachelane/live-evil/0');
  for (const dir of ['links', 'tree']) fs.mkdirSync(join(slot, dir), { recursive: true });
  for (const path of notes) writeNote(slot, path, path);
  return join(slot, 'tree');
}

/** As if it were about `name`. */
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
] as const)('%s, where a repository has a link that looks like ours', (_name, createHome) => {
  test('notes of a directory that is not this home’s make nothing, anywhere', async () => {
    await using home = await createHome();
    const target = join(home.targets, 'cache');
    const outside = join(home.targets, 'outside');
    fs.symlinkSync(forge(home.targets, [outside, target]), target);
    await (await home.mounter.attach(attachRequest(home, { target }), noAbort)).release(noAbort);
    expect(modeOf(outside)).toBeUndefined();
    // Made for the run by the one, and not at all by the other.
    expect([undefined, 0o755]).toContain(modeOf(target));
  });

  test('a relative link is none of ours: it stays, and the run is refused', async () => {
    await using home = await createHome();
    const target = join(home.targets, 'cache');
    const outside = join(home.targets, 'outside');
    forge(home.targets, [outside]);
    fs.symlinkSync('./.cachelane/live-evil/0/tree', target);
    await expect(home.mounter.attach(attachRequest(home, { target }), noAbort)).rejects.toMatchObject({
      code: 'E_MOUNT_POINT',
      message: expect.stringContaining('is the directory of a volume, or lies in it') as string,
    });
    expect(modeOf(outside)).toBeUndefined();
    expect(fs.readlinkSync(target)).toBe('./.cachelane/live-evil/0/tree');
  });
});

describe('notes in this home', () => {
  test('count for the path that they are about', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const target = join(home.targets, 'existing');
    const outside = join(home.targets, 'outside');
    const slot = await leaveLink(home, target);
    writeNote(slot, target, outside);
    writeNote(slot, outside, outside);
    await (await home.mounter.attach(attachRequest(home, { target, kept: null }), noAbort)).release(noAbort);
    expect(modeOf(outside)).toBeUndefined();
  });

  test('count where nobody else can write them', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const target = join(home.targets, 'existing');
    const slot = await leaveLink(home, target);
    writeNote(slot, target, target);
    fs.chmodSync(join(slot, 'links'), 0o777);
    await (await home.mounter.attach(attachRequest(home, { target, kept: null }), noAbort)).release(noAbort);
    expect(modeOf(target)).toBeUndefined();
  });
});

/** A run's, whose death was noticed before its link was. Returns the directory that holds its notes. */
async function leaveLink(home: Awaited<ReturnType<typeof createKeptHome>>, target: string): Promise<string> {
  const request = attachRequest(home, { target });
  const { mount } = await home.mounter.attach(request, noAbort);
  if (mount.kind !== 'directory') throw new Error('this is no directory');
  const slot = dirname(mount.path);
  fs.rmSync(join(slot, 'users', `${request.sessionId}.0`));
  return slot;
}
