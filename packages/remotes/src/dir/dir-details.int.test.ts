import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { link } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkRemote, limits, newAttempt, parseRemoteKey, type HeadVersion, type Remote } from '@cachelane/core';
import { contentOf, noAbort, noise, requireCommands, sourceOf } from '@cachelane/testkit';
import { filesBelow, scratchDir, systemRandom } from '../remote-world.fixture.ts';
import { realDirFiles, type DirFiles } from './dir-files.ts';
import { openDirRemote } from './dir-remote.ts';

const key = parseRemoteKey('v/npm');
const bytes = new TextEncoder().encode('state');

const attempt = () => newAttempt(systemRandom.bytes(16));

async function moveTo(remote: Remote, count: number): Promise<HeadVersion> {
  let version = (await remote.heads.read(key, noAbort))?.version ?? null;
  for (let move = 0; move < count; move++) {
    const outcome = await remote.heads.swap({ key, bytes, expected: version, attempt: attempt() }, noAbort);
    if (outcome.kind !== 'moved') throw new Error('it did not move');
    ({ version } = outcome);
  }
  if (version === null) throw new Error('nothing was moved');
  return version;
}

const noLinks = () => Promise.reject(Object.assign(new Error('EPERM: no links here'), { code: 'EPERM' }));

describe('a directory as a remote', () => {
  test('keeps few of the old states of a head', async () => {
    using dir = scratchDir();
    const remote = openDirRemote({ path: dir.path, random: systemRandom });
    await moveTo(remote, 30);
    expect(readdirSync(join(dir.path, 'heads/v/npm@'))).toHaveLength(limits.remoteHeadsKept);
    expect((await remote.heads.read(key, noAbort))?.version).toMatch(/^30-/);
  });

  test('a late swap whose number is free again has no effect', async () => {
    using dir = scratchDir();
    const fast = openDirRemote({ path: dir.path, random: systemRandom });
    const seen = await moveTo(fast, 1);
    // Between reading the head and the link, twenty other swaps and a clean-up happen.
    let isFirst = true;
    const files: DirFiles = {
      ...realDirFiles,
      async link(from, to) {
        if (isFirst) {
          isFirst = false;
          await moveTo(fast, 20);
        }
        await link(from, to);
      },
    };
    const slow = openDirRemote({ path: dir.path, random: systemRandom, files });
    const late = { key, bytes: new TextEncoder().encode('late'), expected: seen, attempt: attempt() };
    const outcome = await slow.heads.swap(late, noAbort);
    expect(outcome.kind).toBe('conflict');
    expect((await fast.heads.read(key, noAbort))?.version).toMatch(/^21-/);
    await moveTo(fast, 1);
    expect(readdirSync(join(dir.path, 'heads/v/npm@'))).not.toContain('2');
  });

  test('files of dead writers are removed after a day by the clock of the directory', async () => {
    using dir = scratchDir();
    const remote = openDirRemote({ path: dir.path, random: systemRandom });
    await remote.objects.put(parseRemoteKey('a'), sourceOf(noise(10)), noAbort);
    await moveTo(remote, limits.remoteHeadsKept - 1);
    const [old, young] = ['a'.repeat(32), 'b'.repeat(32)];
    const places = [join(dir.path, 'tmp'), join(dir.path, 'heads/v/npm@')];
    for (const place of places) {
      for (const name of [old, young]) writeFileSync(join(place, name), 'half');
      const longAgo = (Date.now() - limits.remoteSweepGraceMs) / 1000 - 60;
      utimesSync(join(place, old), longAgo, longAgo);
    }
    expect(await remote.objects.sweep(noAbort)).toBe(1);
    await moveTo(remote, 1);
    for (const place of places) {
      expect(existsSync(join(place, old))).toBe(false);
      expect(existsSync(join(place, young))).toBe(true);
    }
    expect(await remote.objects.sweep(noAbort)).toBe(0);
  });

  test('is not created if it is missing, because its mount may be missing', async () => {
    using dir = scratchDir();
    const path = join(dir.path, 'missing');
    const remote = openDirRemote({ path, random: systemRandom });
    for (const call of [
      () => remote.objects.put(key, sourceOf(bytes), noAbort),
      () => remote.objects.get(key, {}, noAbort),
      () => remote.heads.read(key, noAbort),
      () => moveTo(remote, 1),
      () => remote.objects.list('', {}, noAbort),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'E_REMOTE_GONE', retryable: false });
    }
    expect(existsSync(path)).toBe(false);
  });

  test('a damaged object fails with expected content, and differs from the right one', async () => {
    using dir = scratchDir();
    const remote = openDirRemote({ path: dir.path, random: systemRandom });
    const source = sourceOf(noise(100_000));
    await remote.objects.put(key, source, noAbort);
    const damaged = noise(100_000);
    damaged[50_000] = (damaged[50_000] ?? 0) ^ 1;
    writeFileSync(join(dir.path, 'objects', key), damaged);
    const read = async () => await contentOf(await remote.objects.get(key, { expect: source }, noAbort));
    await expect(read()).rejects.toMatchObject({ code: 'E_OBJECT_CORRUPT' });
    expect(await remote.objects.put(key, source, noAbort)).toMatchObject({ kind: 'different' });
  });

  test.each([
    ['a truncated head', (text: string) => text.slice(0, -1)],
    ['a changed head', (text: string) => text.replace('state', 'stale')],
    ['something else', () => '{"layers":[]}'],
    ['an empty file', () => ''],
  ])('%s is refused', async (_, spoil) => {
    using dir = scratchDir();
    const remote = openDirRemote({ path: dir.path, random: systemRandom });
    await moveTo(remote, 1);
    const file = join(dir.path, 'heads/v/npm@/1');
    writeFileSync(file, spoil(readFileSync(file, 'utf8')));
    await expect(remote.heads.read(key, noAbort)).rejects.toMatchObject({ code: 'E_OBJECT_CORRUPT' });
    await expect(moveTo(remote, 1)).rejects.toMatchObject({ code: 'E_OBJECT_CORRUPT' });
  });

  test('a newer format is refused and not changed', async () => {
    using dir = scratchDir();
    const remote = openDirRemote({ path: dir.path, random: systemRandom });
    await moveTo(remote, 1);
    const file = join(dir.path, 'heads/v/npm@/1');
    writeFileSync(file, readFileSync(file, 'utf8').replace('head 1', 'head 2'));
    const calls = [
      () => remote.heads.read(key, noAbort),
      () => remote.heads.removeDamaged({ key, attempt: attempt() }, noAbort),
    ];
    for (const call of calls)
      await expect(call()).rejects.toMatchObject({ code: 'E_REMOTE_UNFIT', hint: 'update cachelane on this machine' });
    expect(readdirSync(join(dir.path, 'heads/v/npm@'))).toEqual(['1']);
    expect((await remote.heads.list('', {}, noAbort)).keys).toEqual([key]);
  });

  test('the states below a damaged one stay hidden until it is removed', async () => {
    using dir = scratchDir();
    const remote = openDirRemote({ path: dir.path, random: systemRandom });
    await moveTo(remote, 3);
    writeFileSync(join(dir.path, 'heads/v/npm@/3'), '');
    await expect(remote.heads.read(key, noAbort)).rejects.toMatchObject({
      code: 'E_OBJECT_CORRUPT',
      message: `the head v/npm in dir:${dir.path} is empty`,
    });
    expect(await remote.heads.removeDamaged({ key, attempt: attempt() }, noAbort)).toEqual({ kind: 'removed' });
    expect(await remote.heads.read(key, noAbort)).toBeUndefined();
    expect(await moveTo(remote, 1)).toMatch(/^5-/);
  });

  test('a damaged head that another client repaired and moved stays', async () => {
    using dir = scratchDir();
    const fast = openDirRemote({ path: dir.path, random: systemRandom });
    await moveTo(fast, 2);
    writeFileSync(join(dir.path, 'heads/v/npm@/2'), '');
    let isFirst = true;
    const files: DirFiles = {
      ...realDirFiles,
      async link(from, to) {
        if (isFirst) {
          isFirst = false;
          await fast.heads.removeDamaged({ key, attempt: attempt() }, noAbort);
          await moveTo(fast, 1);
        }
        await link(from, to);
      },
    };
    const slow = openDirRemote({ path: dir.path, random: systemRandom, files });
    expect(await slow.heads.removeDamaged({ key, attempt: attempt() }, noAbort)).toEqual({ kind: 'left' });
    expect((await slow.heads.read(key, noAbort))?.version).toMatch(/^4-/);
  });

  test('without hard links, objects are stored and heads are refused', async () => {
    using dir = scratchDir();
    const remote = openDirRemote({ path: dir.path, random: systemRandom, files: { ...realDirFiles, link: noLinks } });
    expect(await remote.objects.put(key, sourceOf(bytes), noAbort)).toEqual({ kind: 'stored' });
    expect(await remote.objects.put(key, sourceOf(bytes), noAbort)).toEqual({ kind: 'present' });
    await expect(checkRemote(remote, systemRandom, noAbort)).rejects.toMatchObject({ code: 'E_REMOTE_UNFIT' });
    expect(filesBelow(dir.path)).toEqual(['objects/v/npm']);
  });

  test('a link whose answer was lost is found by looking again', async () => {
    using dir = scratchDir();
    let lost = 0;
    const files: DirFiles = {
      ...realDirFiles,
      async link(from, to) {
        await link(from, to);
        if (lost++ < 2) throw Object.assign(new Error('ETIMEDOUT: no answer'), { code: 'ETIMEDOUT' });
      },
    };
    const remote = openDirRemote({ path: dir.path, random: systemRandom, files });
    const request = { key, bytes, expected: null, attempt: attempt() };
    await expect(remote.heads.swap(request, noAbort)).rejects.toMatchObject({
      code: 'E_REMOTE_UNKNOWN',
      retryable: true,
    });
    expect((await remote.heads.swap(request, noAbort)).kind).toBe('moved');
    await expect(remote.objects.put(key, sourceOf(bytes), noAbort)).rejects.toMatchObject({ code: 'E_REMOTE_UNKNOWN' });
    expect(await remote.objects.put(key, sourceOf(bytes), noAbort)).toEqual({ kind: 'present' });
  });

  test('passes the check for heads', async () => {
    using dir = scratchDir();
    await checkRemote(openDirRemote({ path: dir.path, random: systemRandom }), systemRandom, noAbort);
  });
});

const isRoot = process.getuid?.() === 0;

/** Opening it blocks until a writer opens it. */
function stuck(path: string): Disposable {
  mkdirSync(dirname(path), { recursive: true });
  execFileSync('mkfifo', [path]);
  return { [Symbol.dispose]: () => closeSync(openSync(path, constants.O_RDWR | constants.O_NONBLOCK)) };
}

requireCommands('mkfifo')('a file system that does not answer', () => {
  test('is abandoned on abort, before a head and in the middle of an object', async () => {
    using dir = scratchDir();
    const left: unknown[] = [];
    const onAbandoned = (work: unknown): void => void left.push(work);
    const remote = openDirRemote({ path: dir.path, random: systemRandom, onAbandoned });
    using _head = stuck(join(dir.path, 'heads/v/npm@/1'));
    await expect(remote.heads.read(key, AbortSignal.timeout(200))).rejects.toMatchObject({ code: 'E_ABORTED' });

    await remote.objects.put(parseRemoteKey('other'), sourceOf(bytes), noAbort);
    const download = await remote.objects.get(parseRemoteKey('other'), {}, AbortSignal.timeout(500));
    rmSync(join(dir.path, 'objects/other'));
    using _object = stuck(join(dir.path, 'objects/other'));
    await expect(contentOf(download)).rejects.toMatchObject({ code: 'E_ABORTED' });
    expect(left).toHaveLength(2);
  });
});

const withDisk = async (options: string, act: (path: string) => Promise<void>) => {
  using dir = scratchDir();
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', dir.path]);
  try {
    await act(dir.path);
  } finally {
    execFileSync('umount', [dir.path]);
  }
};

describe.runIf(isRoot)('a disk', () => {
  requireCommands('mount', 'umount')('of its own', () => {
    test('that is full is reported; unfinished files are removed, and more space helps', () =>
      withDisk('size=1m', async (path) => {
        const remote = openDirRemote({ path, random: systemRandom });
        await expect(remote.objects.put(key, sourceOf(noise(2_000_000)), noAbort)).rejects.toMatchObject({
          code: 'E_REMOTE_FULL',
          retryable: false,
        });
        expect(filesBelow(path)).toEqual([]);
        expect(await remote.objects.put(key, sourceOf(noise(200_000)), noAbort)).toEqual({ kind: 'stored' });
      }));

    test('that is read-only can be read', () =>
      withDisk('size=1m', async (path) => {
        const remote = openDirRemote({ path, random: systemRandom });
        await remote.objects.put(key, sourceOf(bytes), noAbort);
        const version = await moveTo(remote, 1);
        execFileSync('mount', ['-o', 'remount,ro', path]);
        expect(await contentOf(await remote.objects.get(key, {}, noAbort))).toEqual(bytes);
        expect((await remote.heads.read(key, noAbort))?.version).toBe(version);
        const other = parseRemoteKey('other');
        await expect(remote.objects.put(other, sourceOf(bytes), noAbort)).rejects.toMatchObject({
          code: 'E_REMOTE_READ_ONLY',
        });
        await expect(moveTo(remote, 1)).rejects.toMatchObject({ code: 'E_REMOTE_READ_ONLY' });
        await expect(remote.objects.remove(key, noAbort)).rejects.toMatchObject({ code: 'E_REMOTE_READ_ONLY' });
      }));
  });
});
