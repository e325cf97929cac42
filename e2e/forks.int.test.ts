import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CachelaneError, parseVolumeName, type SharingMode } from '@cachelane/core';
import { openFork, type Fork, type ForkRequest } from '@cachelane/engine';
import { describe, expect, test } from 'vitest';
import { contextAt, openHomeEngine, realClock, requestAt, volumeAt, type HomeEngine } from './engine.fixture.ts';

// Forks: directories that a program works in directly. All drivers are real.

interface Home extends AsyncDisposable {
  readonly dir: string;
  readonly engine: HomeEngine;
  fork(asked?: Asked): Promise<Fork>;
}

interface Asked {
  readonly sharing?: SharingMode;
  readonly mode?: ForkRequest['mode'];
  readonly signal?: AbortSignal;
  readonly lockWaitMs?: number;
}

const context = contextAt({ namespace: 'github.com/acme/web', lane: 't1:local' });

async function openHome(): Promise<Home> {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-forks-')));
  const engine = await openHomeEngine({ dir, clock: realClock() });
  return {
    dir,
    engine,
    async fork({ sharing, ...asked } = {}) {
      const request = requestAt(dir, context);
      const volume = { ...volumeAt(dir, 'data'), sharing: sharing ?? null };
      return await openFork(
        { ...engine.deps, remote: null },
        { ...request, volumes: [volume], samePath: false, ...asked },
      );
    },
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

const directoryOf = (fork: Fork): string => fork.volumes[0]?.directory ?? '';
const filesOf = (fork: Fork): readonly string[] => readdirSync(directoryOf(fork)).toSorted();

function put(fork: Fork, name: string, content = name): void {
  writeFileSync(join(directoryOf(fork), name), content);
}

const sessionsOf = async ({ engine }: Home): Promise<number> =>
  (await engine.deps.metadata.listSessions(new AbortController().signal)).length;

describe('a fork', () => {
  test('a committed fork is visible to the next one, and nothing is mounted at a tool’s path', async () => {
    await using home = await openHome();
    const fork = await home.fork();
    put(fork, 'a');
    const [saved] = await fork.commit();
    expect(saved).toMatchObject({ name: 'data', added: 1, skipped: null });
    const next = await home.fork();
    expect(filesOf(next)).toEqual(['a']);
    expect(existsSync(volumeAt(home.dir, 'data').path ?? '')).toBe(false);
    await next.discard();
    expect(await sessionsOf(home)).toBe(0);
  });

  test('that is discarded leaves no trace, however often', async () => {
    await using home = await openHome();
    const before = await home.fork();
    put(before, 'a');
    await before.commit();
    const fork = await home.fork();
    put(fork, 'b');
    rmSync(join(directoryOf(fork), 'a'));
    await fork.discard();
    await fork.discard();
    await expect(fork.commit()).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
    const next = await home.fork();
    expect(filesOf(next)).toEqual(['a']);
    await next.discard();
    expect(await sessionsOf(home)).toBe(0);
  });

  test('is isolated from other forks, and all keep their additions', async () => {
    await using home = await openHome();
    const forks = await Promise.all(['a', 'b', 'c'].map(async () => await home.fork()));
    for (const [index, fork] of forks.entries()) put(fork, `file-${index}`);
    expect(forks.map(filesOf)).toEqual([['file-0'], ['file-1'], ['file-2']]);
    await Promise.all(forks.map(async (fork) => await fork.commit()));
    const next = await home.fork();
    expect(filesOf(next)).toEqual(['file-0', 'file-1', 'file-2']);
    await next.discard();
  });

  test.each([
    ['read', ['a'], ['a']],
    ['write-only', [], ['a', 'b']],
  ] as const)('of mode %s', async (mode, finds, leaves) => {
    await using home = await openHome();
    const before = await home.fork();
    put(before, 'a');
    await before.commit();
    const fork = await home.fork({ mode });
    expect(filesOf(fork)).toEqual(finds);
    put(fork, 'b');
    await fork.commit();
    const next = await home.fork();
    expect(filesOf(next)).toEqual(leaves);
    await next.discard();
  });
});

describe('a volume that is SHARED', () => {
  test('is one directory, and the last fork saves it; a discard keeps the files, because other forks may have written them', async () => {
    await using home = await openHome();
    const [one, other] = [await home.fork({ sharing: 'SHARED' }), await home.fork({ sharing: 'SHARED' })];
    expect(directoryOf(one)).toBe(directoryOf(other));
    put(one, 'a');
    expect(readFileSync(join(directoryOf(other), 'a'), 'utf8')).toBe('a');
    expect(await one.commit()).toMatchObject([{ leftToOthers: true }]);
    put(other, 'b');
    expect(await other.commit()).toMatchObject([{ leftToOthers: false, added: 2 }]);
  });
});

describe('a volume that is LOCKED', () => {
  test('belongs to one fork at a time: others fail unless they wait for it', async () => {
    await using home = await openHome();
    const holder = await home.fork({ sharing: 'LOCKED' });
    await expect(home.fork({ sharing: 'LOCKED' })).rejects.toMatchObject({ code: 'E_LOCKED', retryable: true });
    const waiter = home.fork({ sharing: 'LOCKED', lockWaitMs: 60_000 });
    put(holder, 'a');
    await holder.commit();
    const next = await waiter;
    expect(filesOf(next)).toEqual(['a']);
    await next.discard();
    expect(await sessionsOf(home)).toBe(0);
  });

  test('is not held by a fork that stopped waiting', async () => {
    await using home = await openHome();
    const holder = await home.fork({ sharing: 'LOCKED' });
    const stop = new AbortController();
    const waiter = home.fork({ sharing: 'LOCKED', lockWaitMs: 60_000, signal: stop.signal });
    stop.abort();
    await expect(waiter).rejects.toThrow();
    await holder.discard();
    const next = await home.fork({ sharing: 'LOCKED' });
    await next.discard();
    expect(await sessionsOf(home)).toBe(0);
  });

  test('is open without the lock to forks that ask for no lock', async () => {
    await using home = await openHome();
    const holder = await home.fork({ sharing: 'LOCKED' });
    const free = await home.fork({ sharing: 'PRIVATE' });
    put(free, 'b');
    put(holder, 'a');
    await free.commit();
    await holder.commit();
    const next = await home.fork();
    expect(filesOf(next)).toEqual(['a', 'b']);
    await next.discard();
  });
});

const full = (): never => {
  throw new CachelaneError('E_DISK_FULL', 'no space left', { hint: 'free some space' });
};

describe('a commit that fails', () => {
  test('keeps the fork, and the retry saves the rest and reports earlier saves', async () => {
    await using home = await openHome();
    const { deps } = home.engine;
    let isFull = true;
    const stage: typeof deps.layers.stage = async (request, signal) => {
      const isOfData = request.entries.some(({ entry }) => (entry.path as string) === 'data');
      return isFull && isOfData ? full() : await deps.layers.stage(request, signal);
    };
    const data = volumeAt(home.dir, 'data');
    const volumes = [{ ...data, name: parseVolumeName('first'), path: join(home.dir, 'mounts/first') }, data];
    const request = { ...requestAt(home.dir, context), volumes, samePath: false };
    const fork = await openFork({ ...deps, remote: null, layers: { ...deps.layers, stage } }, request);
    const files = fork.volumes.map(({ directory }, index) => join(directory, index === 0 ? 'first' : 'data'));
    for (const file of files) writeFileSync(file, 'mine');
    const refused = expect.objectContaining({
      code: 'E_DISK_FULL',
      message: 'data was not saved: no space left; first was saved before it',
      hint: 'free some space; the fork is still open: commit it again, or discard it',
    });
    for (let times = 0; times < 2; times++) {
      await expect(fork.commit()).rejects.toEqual(refused);
      expect([fork.isOpen, readFileSync(files[1] ?? '', 'utf8')]).toEqual([true, 'mine']);
    }
    // Other forks do not see unsaved files.
    const meanwhile = await home.fork();
    expect(filesOf(meanwhile)).toEqual([]);
    await meanwhile.discard();
    isFull = false;
    const saved = await fork.commit();
    expect(saved.map(({ name, added }) => [name, added])).toEqual([
      ['first', 1],
      ['data', 1],
    ]);
    expect(fork.isOpen).toBe(false);
    const next = await home.fork();
    expect(filesOf(next)).toEqual(['data']);
    await next.discard();
    expect(await sessionsOf(home)).toBe(0);
  });

  test('can be discarded; in a shared directory the next run saves its files', async () => {
    await using home = await openHome();
    const { deps } = home.engine;
    const broken = { ...deps, remote: null, layers: { ...deps.layers, stage: full } };
    const request = { ...requestAt(home.dir, context), samePath: false };
    const one = await openFork(broken, { ...request, volumes: [volumeAt(home.dir, 'data')] });
    put(one, 'a');
    await expect(one.commit()).rejects.toMatchObject({ code: 'E_DISK_FULL' });
    await one.discard();
    await expect(one.commit()).rejects.toMatchObject({ code: 'E_NOT_FOUND' });

    const shared = { ...volumeAt(home.dir, 'data'), sharing: 'SHARED' } as const;
    const other = await openFork(broken, { ...request, volumes: [shared] });
    put(other, 'b');
    await expect(other.commit()).rejects.toMatchObject({ code: 'E_DISK_FULL' });
    expect(await other.commit()).toMatchObject([{ leftToOthers: true, skipped: expect.stringContaining('next run') }]);
    const next = await home.fork({ sharing: 'SHARED' });
    expect(filesOf(next)).toEqual(['b']);
    expect(await next.commit()).toMatchObject([{ added: 1 }]);
    expect(await sessionsOf(home)).toBe(0);
  });
});
