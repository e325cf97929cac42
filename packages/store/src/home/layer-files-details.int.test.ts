import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { digestOf, limits, type BytePath, type Entry, type StoredLayer } from '@cachelane/core';
import {
  contentEntry,
  failingPort,
  madeEntry,
  removalEntry,
  sampleTimeNs,
  stageAll,
  type ChangeItem,
} from '@cachelane/testkit';
import { describe, expect, test, vi } from 'vitest';
import { commandOf, settledMark, startBackgroundJob } from '../files/background-job.ts';
import { createLayerHome, fixedClock, runJob, type LayerHome } from './layer-home.fixture.ts';
import { openLayerFiles } from './layer-files.ts';
import { becomeOrdinaryUser } from '../files/ordinary-user.fixture.ts';
import type { StoreFiles } from '../files/store-files.ts';

// Tests for stores of files only. The conformance suite tests every store.

// root ignores permissions.
becomeOrdinaryUser();

const noAbort = new AbortController().signal;
const sealedAtMs = 1_700_000_000_000;

async function publish(
  home: LayerHome,
  items: readonly ChangeItem[],
  overrides: Partial<Entry> = {},
): Promise<StoredLayer> {
  const changes = home.changes(items);
  const store = home.open();
  const entries = stageAll(changes, { overrides });
  const staged = await store.stage({ changes, entries, sealedAtMs }, noAbort);
  await store.publish(staged, noAbort);
  return store.open(staged.id, noAbort);
}

function fileIn(layer: StoredLayer, path: string): string {
  return `${layer.treeDir}/${path}`;
}

describe('a derived layer during a collection that saw an idle one of that name', () => {
  const key = digestOf('k');
  const request = { changes: null, entries: [removalEntry('gone', 'hint')], sealedAtMs };

  /** `whenFound` is called when the layer becomes visible, before its maker opens it. */
  async function derive(home: LayerHome, whenFound: (about: string) => void): Promise<StoredLayer> {
    const files: StoreFiles = {
      ...home.files,
      syncDir: (dir) => {
        if (dir === `${home.dir}/derived`) whenFound(`${home.dir}/derived/${key}/layer.json`);
        home.files.syncDir(dir);
      },
    };
    const store = openLayerFiles({ dir: home.dir, bootId: 'boot', clock: fixedClock(sealedAtMs), files });
    return await store.derive(key, request, noAbort);
  }

  test('counts as used from the moment it is visible', async () => {
    await using home = await createLayerHome();
    const usedAtMs: number[] = [];
    await derive(home, (about) => usedAtMs.push(fs.statSync(about).mtimeMs));
    expect(usedAtMs).toEqual([sealedAtMs]);
  });

  test('is made again if the collection deletes it', async () => {
    await using home = await createLayerHome();
    let found = 0;
    const layer = await derive(home, () => {
      if (++found === 1) home.open().removeDerived([key]);
    });
    expect(found).toBe(2);
    expect(Array.from(layer.index.entries(), ({ path }) => path)).toEqual(['gone']);
  });
});

describe('the directory of a change set', () => {
  test('becomes the tree without copying its files', async () => {
    await using home = await createLayerHome();
    const changes = home.changes([{ kind: 'file', path: 'f', content: 'x' }]);
    const { ino } = fs.statSync(`${changes.dir}/f`);
    const store = home.open();
    const staged = await store.stage({ changes, entries: stageAll(changes), sealedAtMs }, noAbort);
    expect(fs.existsSync(changes.dir ?? '')).toBe(false);
    await store.publish(staged, noAbort);
    const layer = await store.open(staged.id, noAbort);
    expect(fs.statSync(fileIn(layer, 'f')).ino).toBe(ino);
  });

  test('is copied if it is on another device', async () => {
    await using home = await createLayerHome();
    const items: readonly ChangeItem[] = [
      { kind: 'dir', path: 'd', mode: 0o555 },
      { kind: 'file', path: 'd/f', content: 'x', mode: 0o400 },
      { kind: 'symlink', path: 'l', target: 'd' },
    ];
    const changes = home.changes(items);
    let renames = 0;
    const files: StoreFiles = {
      ...home.files,
      rename: (from, to) => {
        if (renames++ === 0) throw Object.assign(new Error('EXDEV'), { code: 'EXDEV' });
        home.files.rename(from, to);
      },
    };
    const store = openLayerFiles({ dir: home.dir, bootId: 'boot', clock: fixedClock(0), files });
    const staged = await store.stage({ changes, entries: stageAll(changes), sealedAtMs }, noAbort);
    await store.publish(staged, noAbort);
    expect((await store.verify(staged.id, noAbort)).problems).toEqual([]);
  });

  test('loses setuid and setgid', async () => {
    await using home = await createLayerHome();
    const changes = home.changes([
      { kind: 'dir', path: 'd' },
      { kind: 'file', path: 'd/f', content: 'x', mode: 0o755 },
    ]);
    fs.chmodSync(`${changes.dir}/d/f`, 0o6755);
    fs.chmodSync(`${changes.dir}/d`, 0o2755);
    const store = home.open();
    const staged = await store.stage({ changes, entries: stageAll(changes), sealedAtMs }, noAbort);
    await store.publish(staged, noAbort);
    const layer = await store.open(staged.id, noAbort);
    expect(fs.statSync(fileIn(layer, 'd/f')).mode & 0o7777).toBe(0o755);
    expect(fs.statSync(fileIn(layer, 'd')).mode & 0o7777).toBe(0o755);
  });

  test('is taken over even if the command made its root inaccessible', async () => {
    await using home = await createLayerHome();
    const changes = home.changes([{ kind: 'file', path: 'f', content: 'x' }]);
    fs.chmodSync(changes.dir ?? '', 0o111);
    const store = home.open();
    const staged = await store.stage({ changes, entries: stageAll(changes), sealedAtMs }, noAbort);
    await store.publish(staged, noAbort);
    expect((await store.verify(staged.id, noAbort)).problems).toEqual([]);
  });
});

describe('a file with several names', () => {
  test('stays one file in its layer', async () => {
    await using home = await createLayerHome();
    const changes = home.changes([{ kind: 'file', path: 'a', content: 'x' }]);
    fs.linkSync(`${changes.dir}/a`, `${changes.dir}/b`);
    const [a] = stageAll(changes);
    if (a === undefined) throw new Error('no change');
    const withB = { ...changes, find: (path: BytePath) => changes.find(path === 'b' ? ('a' as BytePath) : path) };
    const entries = [a, { from: 'change', entry: { ...a.entry, path: 'b' as BytePath } } as const];
    const store = home.open();
    const staged = await store.stage({ changes: withB, entries, sealedAtMs }, noAbort);
    await store.publish(staged, noAbort);
    const layer = await store.open(staged.id, noAbort);
    expect(fs.statSync(fileIn(layer, 'a')).ino).toBe(fs.statSync(fileIn(layer, 'b')).ino);
    expect((await store.verify(staged.id, noAbort)).problems).toEqual([]);
  });

  test('becomes two files if the entries differ', async () => {
    await using home = await createLayerHome();
    const changes = home.changes([{ kind: 'file', path: 'a', content: 'x' }]);
    fs.linkSync(`${changes.dir}/a`, `${changes.dir}/b`);
    const [a] = stageAll(changes);
    if (a === undefined) throw new Error('no change');
    const withB = { ...changes, find: (path: BytePath) => changes.find(path === 'b' ? ('a' as BytePath) : path) };
    const changed = { ...a.entry, path: 'b' as BytePath, mode: 0o600, mtimeNs: 7_258_118_400_000_000_000n };
    const store = home.open();
    const request = { changes: withB, entries: [a, { from: 'change', entry: changed } as const], sealedAtMs };
    const staged = await store.stage(request, noAbort);
    await store.publish(staged, noAbort);
    expect((await store.verify(staged.id, noAbort)).problems).toEqual([]);
  });

  test('is shared by a layer that was derived from another', async () => {
    await using home = await createLayerHome();
    const store = home.open();
    const source = await publish(home, [{ kind: 'file', path: 'f', content: 'x', mode: 0o444 }]);
    const entries = [...source.index.entries()].map((entry) => ({ from: 'layer', entry, layer: source }) as const);
    const derived = await store.derive(digestOf('k'), { changes: null, entries, sealedAtMs }, noAbort);
    expect(fs.statSync(fileIn(derived, 'f')).ino).toBe(fs.statSync(fileIn(source, 'f')).ino);
    // Deleting one must not affect the shared file.
    store.removeDerived([derived.key]);
    for (const job of home.jobs) if (job.kind === 'remove') runJob(job);
    expect(fs.existsSync(derived.treeDir ?? '')).toBe(false);
    expect((await store.verify(source.key as never, noAbort)).problems).toEqual([]);
  });

  test.each(['EXDEV', 'EMLINK', 'EPERM'])('is copied if the file system cannot link it: %s', async (code) => {
    await using home = await createLayerHome();
    const source = await publish(home, [
      { kind: 'file', path: 'f', content: 'x', mode: 0 },
      { kind: 'symlink', path: 'l', target: 'f' },
    ]);
    const link: StoreFiles['link'] = () => {
      throw Object.assign(new Error(code), { code });
    };
    const files = { ...home.files, link };
    const store = openLayerFiles({ dir: home.dir, bootId: 'boot', clock: fixedClock(0), files });
    const entries = [...source.index.entries()].map((entry) => ({ from: 'layer', entry, layer: source }) as const);
    const staged = await store.stage({ changes: null, entries, sealedAtMs }, noAbort);
    await store.publish(staged, noAbort);
    expect((await store.verify(staged.id, noAbort)).problems).toEqual([]);
    expect((await store.verify(source.key as never, noAbort)).problems).toEqual([]);
  });
});

describe('entries that contradict each other', () => {
  test.each([
    ['a file below a file', [contentEntry('a', 'x'), contentEntry('a/b', 'y')]],
    ['a file below a removal', [removalEntry('a', 'counted'), contentEntry('a/b', 'y')]],
    ['a directory and a file', [madeEntry('a/b'), contentEntry('a', 'x')]],
  ])('are refused: %s', async (_, entries) => {
    await using home = await createLayerHome();
    const attempt = home.open().stage({ changes: null, entries, sealedAtMs }, noAbort);
    await expect(attempt).rejects.toEqual(expect.objectContaining({ code: 'E_LAYER_REFUSED' }));
  });

  test('are refused if they lead out of the layer', async () => {
    await using home = await createLayerHome();
    const changes = home.changes([{ kind: 'symlink', path: 'out', target: home.dir }]);
    const entries = [...stageAll(changes), contentEntry('out/owned', 'x')];
    await expect(home.open().stage({ changes, entries, sealedAtMs }, noAbort)).rejects.toEqual(
      expect.objectContaining({ code: 'E_LAYER_REFUSED' }),
    );
    expect(fs.existsSync(`${home.dir}/owned`)).toBe(false);
  });
});

describe('in the background', () => {
  test('a separate process settles a layer', async () => {
    await using home = await createLayerHome();
    const layer = await publish(home, [{ kind: 'file', path: 'f', content: 'x' }]);
    const dir = `${home.dir}/layers/${layer.key}`;
    expect(home.jobs).toEqual([{ kind: 'settle', marks: [`${dir}/settled`] }]);
    const another = home.open({ bootId: 'another' });
    expect(await another.isSettled(layer.key as never, noAbort)).toBe(false);
    const appeared = (async (): Promise<void> => {
      for await (const { filename } of fs.promises.watch(dir)) if (filename === 'settled') return;
    })();
    startBackgroundJob({ kind: 'settle', marks: [`${dir}/settled`] });
    await appeared;
    expect(await another.isSettled(layer.key as never, noAbort)).toBe(true);
    expect(await another.verify(layer.key as never, noAbort)).toMatchObject({ ok: true });
  });

  test('marks that wait are settled next, even if this process ends', async () => {
    await using home = await createLayerHome();
    const script = `
      import { mkdirSync } from 'node:fs';
      import { startBackgroundJob } from ${JSON.stringify(new URL('../files/background-job.ts', import.meta.url).href)};
      for (let number = 0; number < 300; number++) {
        mkdirSync(\`layers/\${number}\`, { recursive: true });
        startBackgroundJob({ kind: 'settle', marks: [\`\${process.cwd()}/layers/\${number}/settled\`] });
      }`;
    execFileSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: home.dir });
    const settled = (): number =>
      fs
        .readdirSync(`${home.dir}/layers`)
        .filter((name) => fs.existsSync(settledMark(`${home.dir}/layers/${name}`, 'tree'))).length;
    await vi.waitFor(() => expect(settled()).toBe(300), { timeout: 20_000 });
  });

  test('a job that cannot start does no harm', () => {
    expect(commandOf({ kind: 'remove', dir: '/no/such/place' })[0]).toBe('env');
    runJob({ kind: 'remove', dir: '/no/such/place' });
    runJob({ kind: 'settle', marks: ['/no/such/place/settled'] });
    expect(fs.existsSync('/no/such/place')).toBe(false);
  });

  test('directories without permissions are removed', async () => {
    await using home = await createLayerHome();
    const layer = await publish(home, [
      { kind: 'dir', path: 'shut', mode: 0 },
      { kind: 'dir', path: 'shut/deeper', mode: 0 },
      { kind: 'file', path: 'shut/deeper/f', content: 'x', mode: 0 },
      { kind: 'file', path: '-rf \n*', content: 'x' },
    ]);
    home.open().remove([layer.key as never]);
    for (const job of home.jobs) runJob(job);
    expect(fs.readdirSync(`${home.dir}/trash`)).toEqual([]);
  });
});

/**
 * Makes nested directories and runs `end` in the innermost. Its path is too long for a system call, so a child
 * process changes directory step by step.
 */
function makeDeep(dir: string, end: string): void {
  const script = `fs.mkdirSync(process.argv[1], { recursive: true });
process.chdir(process.argv[1]);
for (let i = 0; i < 50; i++) { fs.mkdirSync('d'.repeat(200)); process.chdir('d'.repeat(200)); }
${end}`;
  execFileSync(process.execPath, ['-e', script, dir], { stdio: ['ignore', 'inherit', 'inherit'] });
}

describe('kept directories', () => {
  test('are measured separately, even outside the home', async () => {
    await using home = await createLayerHome();
    const outside = `${home.dir}-outside`;
    for (const dir of [`${home.dir}/kept`, outside]) {
      fs.mkdirSync(dir, { recursive: true });
      fs.writeFileSync(`${dir}/big`, Buffer.alloc(1e6, 1));
    }
    const store = home.open();
    const { otherBytes, keptDirectoriesBytes } = await store.usage(noAbort);
    expect(otherBytes).toBeLessThan(1_000_000);
    expect(keptDirectoriesBytes).toBeGreaterThan(1_000_000);
    expect(keptDirectoriesBytes).toBeLessThan(2_000_000);
    fs.writeFileSync(`${home.dir}/kept/places`, `${JSON.stringify(outside)}\n`);
    expect((await store.usage(noAbort)).keptDirectoriesBytes).toBeGreaterThan(2_000_000);
    fs.rmSync(outside, { recursive: true });
  });
});

describe('a tree too deep for a path', () => {
  test('is measured, and removed', async () => {
    await using home = await createLayerHome();
    const layer = await publish(home, [{ kind: 'file', path: 'f', content: 'x' }]);
    const store = home.open();
    makeDeep(`${home.dir}/staging/deep`, 'fs.writeFileSync("big", Buffer.alloc(1e6, 1))');
    makeDeep(`${home.dir}/staging/shut`, 'fs.chmodSync(".", 0)');
    expect((await store.usage(noAbort)).otherBytes).toBeGreaterThan(1_000_000);
    expect(await store.sweep(Number.MAX_SAFE_INTEGER, noAbort)).toHaveLength(2);
    for (const job of home.jobs) runJob(job);
    expect(fs.readdirSync(`${home.dir}/trash`)).toEqual([]);
    expect((await store.usage(noAbort)).otherBytes).toBeLessThan(1_000_000);
    expect(await store.verify(layer.key as never, noAbort)).toMatchObject({ ok: true });
  });
});

describe('a sweep', () => {
  test('deletes only what is older than the grace period', async () => {
    await using home = await createLayerHome();
    const store = home.open();
    const request = { changes: null, entries: [contentEntry('f', 'x')], sealedAtMs };
    const staged = await store.stage(request, noAbort);
    const [name] = fs.readdirSync(`${home.dir}/staging`);
    const stagedAtMs = fs.statSync(`${home.dir}/staging/${name}`).mtimeMs;
    expect(await store.sweep(stagedAtMs + limits.sweepGraceMs - 1, noAbort)).toEqual([]);
    await store.publish(staged, noAbort);
    await store.stage(request, noAbort);
    const swept = await store.sweep(stagedAtMs + limits.sweepGraceMs + 60_000, noAbort);
    expect(swept).toHaveLength(1);
    expect(fs.readdirSync(`${home.dir}/staging`)).toEqual([]);
    expect(await store.verify(staged.id, noAbort)).toMatchObject({ ok: true });
  });

  test('deletes a layer during its verification, which then reports it as missing', async () => {
    await using home = await createLayerHome();
    const names = Array.from({ length: 600 }, (_, number) => `f${number}`);
    const layer = await publish(home, [
      { kind: 'dir', path: 'd' },
      ...names.map((path) => ({ kind: 'file', path, content: path }) as const),
    ]);
    const store = home.open();
    let looks = 0;
    const whileItLooks = {
      get aborted() {
        looks += 1;
        if (looks === 3) fs.rmSync(`${home.dir}/layers/${layer.key}`, { recursive: true });
        return false;
      },
    } as AbortSignal;
    await expect(store.verify(layer.key as never, whileItLooks)).rejects.toMatchObject({ code: 'E_LAYER_MISSING' });
  });

  test('finishes interrupted removals', async () => {
    await using home = await createLayerHome();
    const layer = await publish(home, [{ kind: 'file', path: 'f', content: 'x' }]);
    const store = home.open();
    store.remove([layer.key as never]);
    expect(fs.readdirSync(`${home.dir}/trash`)).toHaveLength(1);
    const later = Number.MAX_SAFE_INTEGER;
    expect(await store.sweep(later, noAbort)).toHaveLength(1);
    for (const job of home.jobs.filter(({ kind }) => kind === 'remove').slice(1)) runJob(job);
    expect(fs.readdirSync(`${home.dir}/trash`)).toEqual([]);
  });
});

describe('the disk', () => {
  test('with another layer under a layer’s name is detected', async () => {
    await using home = await createLayerHome();
    const [one, two] = [
      await publish(home, [{ kind: 'file', path: 'f', content: 'one' }]),
      await publish(home, [{ kind: 'file', path: 'f', content: 'two' }]),
    ];
    fs.rmSync(`${home.dir}/layers/${one.key}`, { recursive: true });
    fs.renameSync(`${home.dir}/layers/${two.key}`, `${home.dir}/layers/${one.key}`);
    await expect(home.open().open(one.key as never, noAbort)).rejects.toEqual(
      expect.objectContaining({ code: 'E_LAYER_CORRUPT' }),
    );
  });

  test('that is full still frees a deleted layer', async () => {
    await using home = await createLayerHome();
    const store = home.open();
    const staged = await store.stage({ changes: null, entries: [contentEntry('f', 'x')], sealedAtMs }, noAbort);
    await store.unstage(staged, noAbort);
    const { port } = failingPort(home.files, { operation: 1, code: 'ENOSPC' });
    const failing = openLayerFiles({ dir: home.dir, bootId: 'boot', clock: fixedClock(0), files: port });
    await expect(
      failing.stage({ changes: null, entries: [contentEntry('f', 'x')], sealedAtMs }, noAbort),
    ).rejects.toEqual(expect.objectContaining({ code: 'E_DISK_FULL' }));
  });

  test('keeps unchanged times to the nanosecond', async () => {
    await using home = await createLayerHome();
    const layer = await publish(home, [{ kind: 'file', path: 'f', content: 'x' }]);
    const entry = layer.index.find('f' as BytePath);
    expect(fs.statSync(fileIn(layer, 'f'), { bigint: true }).mtimeNs).toBe(entry?.mtimeNs);
    expect((entry?.mtimeNs ?? 0n) - sampleTimeNs).toBeLessThan(1000n);
  });
});
