import { chownSync, mkdirSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { ancestors, childPath, parentPath, type BytePath, type LayerId, type StagedEntry } from '@cachelane/core';
import {
  arbitraryTree,
  contentEntry,
  madeEntry,
  removalEntry,
  requireCommands,
  type TreeItem,
  useDisk,
} from '@cachelane/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLayerHome, type LayerHome } from '../home/layer-home.fixture.ts';
import { filePath } from '../files/file-path.ts';
import { sent } from '../wire/sent-layer.fixture.ts';
import {
  attributesIn,
  attributesInMounted,
  dumpedFigures,
  dumpedSuperblock,
  figuresOf,
  mounted,
  overlaid,
  requireSameContent,
  requireSound,
  type Attributes,
} from './judge-image.fixture.ts';
import { listTree, type Listed } from './list-tree.fixture.ts';

useDisk();

// The kernel must show an image exactly as its layer describes it, to the nanosecond, and like the layer's tree.

const noAbort = new AbortController().signal;
const owner = { uid: 12_345, gid: 123_456 };
function expected(items: readonly TreeItem[]): readonly Listed[] {
  const holders = new Set(
    items.flatMap(({ entry }) => (entry.removed === 'counted' ? [parentPath(entry.path) as string] : [])),
  );
  return items.flatMap(({ entry }): readonly Listed[] => {
    const { path, type, removed, form, mode, mtimeNs, digest, sizeBytes } = entry;
    if (removed === 'hint' || form === 'delta') return [];
    const common = { path, ...owner, mtimeNs: String(mtimeNs), marks: [] };
    const nothing = { sizeBytes: null, digest: null };
    if (removed === 'counted') return [{ ...common, ...nothing, kind: 'whiteout', mode: 0 }];
    if (type !== 'dir') return [{ ...common, kind: type, mode: type === 'file' ? mode : 0o777, sizeBytes, digest }];
    const marks = [removed === 'below' ? ['opaque'] : [], holders.has(path) ? ['origin'] : []].flat();
    const all = ['trusted', 'user'].flatMap((kind) => marks.map((mark) => `${kind}.overlay.${mark}`));
    return [{ ...common, ...nothing, kind: 'dir', mode, marks: all.toSorted() }];
  });
}

function file(path: string, content: string | Uint8Array, mode = 0o644): TreeItem {
  const bytes = Buffer.from(content);
  return { entry: contentEntry(path, bytes, { mode }).entry, content: bytes };
}

function symlink(path: string, target: string): TreeItem {
  const { entry, content } = file(path, target);
  return { entry: { ...entry, type: 'symlink', mode: 0o777 }, content };
}

function timed(path: string, mtimeNs: bigint): TreeItem {
  const { entry, content } = file(path, 'x');
  return { entry: { ...entry, mtimeNs }, content };
}

function bare({ entry }: StagedEntry): TreeItem {
  return { entry, content: undefined };
}

/**
 * Directories over many blocks, targets inside and outside the inode, files that end at block boundaries and
 * elsewhere.
 */
const everySize: readonly TreeItem[] = [
  bare(madeEntry('many')),
  ...Array.from({ length: 700 }, (_, i) => file(`many/file-${i}`, `${i}`)),
  bare(madeEntry('d', { mode: 0o750 })),
  bare(madeEntry('d/e', { removed: 'below' })),
  file('d/e/f', Buffer.alloc(9_000_000, 7)),
  file('d/e/program', 'x', 0o755),
  ...[0, 511, 512, 513, 4095, 4096, 4097].map((size) => file(`d/${size}`, Buffer.alloc(size, size))),
  file(`d/${'n'.repeat(255)}`, 'long name'),
  ...['\x01', '\n', ' ', '\\', '\xff\xfe', '.wh.x', '...', '\xc3\xbc'].map((name) => file(`d/e/${name}`, name)),
  ...[0, 0o1777, 0o4, 0o555].map((mode) => file(`d/mode-${mode}`, 'x', mode)),
  ...[-1n, 1n, 999_999_999n, 2n ** 33n * 1_000_000_000n + 1n].map((mtimeNs) => timed(`d/at-${mtimeNs}`, mtimeNs)),
  file('a.b', 'sorts before a/b'),
  bare(madeEntry('a')),
  file('a/b', 'x'),
  bare(removalEntry('gone', 'counted')),
  bare(removalEntry('d/gone', 'counted')),
  bare(removalEntry('d/hint', 'hint')),
  symlink('d/far', `${'x/'.repeat(300)}y`),
  ...[1, 60, 447, 448, 449, 512, 4095].map((size) => symlink(`l${size}`, 'm'.repeat(size))),
].toSorted((a, b) => (a.entry.path < b.entry.path ? -1 : 1));

async function takeIn(home: LayerHome, items: readonly TreeItem[]): Promise<LayerId> {
  chownSync(home.dir, owner.uid, owner.gid);
  const store = home.open();
  const staged = await store.unpack(await sent(items), noAbort);
  await store.publish(staged, noAbort);
  return staged.id;
}

function untimed(listed: readonly Listed[]): readonly Listed[] {
  return listed.map((each) => ({ ...each, mtimeNs: '' }));
}

/** Node sets times to a microsecond. Times of whiteouts do not matter. */
function expectTimesNear(seen: readonly Listed[], exact: readonly Listed[]): void {
  for (const [i, { path, kind, mtimeNs }] of seen.entries()) {
    if (kind === 'whiteout') continue;
    const difference = BigInt(mtimeNs) - BigInt(exact[i]?.mtimeNs ?? 0);
    expect([path, difference < 1000n && difference > -1000n]).toEqual([path, true]);
  }
}

async function checkAll(items: readonly TreeItem[]): Promise<void> {
  await using home = await createLayerHome({ images: true });
  await using other = await createLayerHome();
  const id = await takeIn(home, items);
  const store = home.open();
  const { image, treeDir } = await store.open(id, noAbort);
  if (image === null || treeDir === null) throw new Error('no image');
  requireSound(image);
  const model = expected(items);
  // Includes the root.
  expect(dumpedSuperblock(image)).toEqual({
    blockBytes: 512,
    imageBytes: statSync(image).size,
    inodes: model.length + 1,
  });
  expect(dumpedFigures(image)).toEqual(figuresOf(items.map(({ entry }) => entry)));
  expect(mounted(image, treeDir)).toEqual(model);
  expect(attributesInMounted(image, treeDir)).toEqual(attributesOf(model));
  expect(await store.verify(id, noAbort)).toEqual({ key: id, ok: true, problems: [] });

  expect(await takeIn(other, items)).toBe(id);
  const tree = (await other.open().open(id, noAbort)).treeDir ?? '';
  expectSameTree(listTree(tree), model);
  expect(attributesIn(tree)).toEqual(attributesOf(model));
  requireSameContent(image, tree, treeDir);
  checkOverlays(home, { image, tree, model });

  expectSameTree(listTree((await store.extract(id, noAbort)).treeDir ?? ''), model);
  expect(await store.verify(id, noAbort)).toEqual({ key: id, ok: true, problems: [] });
}

function expectSameTree(tree: readonly Listed[], model: readonly Listed[]): void {
  expect(untimed(tree)).toEqual(untimed(model));
  expectTimesNear(tree, model);
}

function attributesOf(model: readonly Listed[]): Attributes {
  return Object.fromEntries(
    model
      .filter(({ marks }) => marks.length > 0)
      .map(({ path, marks }) => [
        path,
        Object.fromEntries(marks.map((mark) => [mark, mark.endsWith('opaque') ? 'y' : ''])),
      ]),
  );
}

interface Shown {
  readonly image: string;
  readonly tree: string;
  readonly model: readonly Listed[];
}

/**
 * Mounts the layer, as an image and as a tree, over a directory with something below each directory and whiteout.
 * Both views must match the layer.
 */
function checkOverlays(home: LayerHome, { image, tree, model }: Shown): void {
  const below = mkdtempSync(`${home.dir}/below-`);
  const [dir, whiteouts] = [mkdtempSync(`${home.dir}/view-`), model.filter(({ kind }) => kind === 'whiteout')];
  const directories = ['', ...model.filter(({ kind }) => kind === 'dir').map(({ path }) => path)] as BytePath[];
  for (const path of directories) mkdirSync(filePath(below, path), { recursive: true });
  const hidden = new Set(
    model.filter(({ marks }) => marks.some((mark) => mark.endsWith('opaque'))).map(({ path }) => path),
  );
  const under = directories.map((path) => childPath(path, 'from below'));
  for (const path of [...under, ...whiteouts.map((each) => each.path as BytePath)])
    writeFileSync(filePath(below, path), 'from below');
  const shows = (path: BytePath): boolean => ![...ancestors(path)].some((each) => hidden.has(each));
  const names = [...under.filter(shows), ...model.filter(({ kind }) => kind !== 'whiteout').map(({ path }) => path)];
  const views = overlaid({ image, tree, below, dir });
  expect(views).toHaveLength(4);
  for (const [i, view] of views.entries()) {
    expect(view.map(({ path }) => path)).toEqual(names.toSorted((a, b) => (a < b ? -1 : 1)));
    // Each kind of mount shows the other's marks as plain attributes.
    const ofTree = views[i | 1] ?? [];
    expect(untimed(view)).toEqual(untimed(ofTree));
    expectTimesNear(ofTree, view);
  }
}

requireCommands(
  'fsck.erofs',
  'unshare',
  'python3',
)('as root', () => {
  describe.skipIf(process.getuid?.() !== 0)('an image', () => {
    test('of a large layer matches the layer and its tree', async () => {
      await checkAll(everySize);
    });

    test('of any layer matches the layer and its tree', async () => {
      // The time limit also limits shrinking.
      await fc.assert(fc.asyncProperty(arbitraryTree, checkAll), { numRuns: 10, interruptAfterTimeLimit: 60_000 });
    });
  });
});
