import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { openIndex, type LayerId } from '@cachelane/core';
import { stageAll } from '@cachelane/testkit';
import { createLayerHome, type LayerHome } from '../home/layer-home.fixture.ts';
import { layerPaths } from '../files/home-paths.ts';
import { OpenAccess } from '../files/open-access.ts';
import { toChangeSet } from '../layers/change-set.ts';
import { walkUpper } from '../overlay/walk-upper.ts';
import {
  attributesIn,
  attributesInMounted,
  dumpedFigures,
  dumpedSuperblock,
  figuresOf,
  mounted,
  requireSameContent,
  requireSound,
  type ImageFigures,
} from './judge-image.fixture.ts';
import { listTree, type Listed } from './list-tree.fixture.ts';

const noAbort = new AbortController().signal;

/**
 * Saves a directory, sends it to two homes, and keeps it as an image in one and as a tree in the other. Compares
 * the directory, the tree, the mounted image and the reports of erofs-utils. Throws the first difference. Returns
 * the image's figures. Needs root.
 */
export async function judgeDirectory(dir: string): Promise<ImageFigures> {
  await using from = await createLayerHome();
  await using images = await createLayerHome({ images: true });
  await using trees = await createLayerHome();
  const { id, before } = await save(from, dir);
  for (const home of [images, trees]) await send(id, from, home);
  const [asImage, asTree] = [await images.open().open(id, noAbort), await trees.open().open(id, noAbort)];
  const { image, treeDir: mountPoint } = asImage;
  const { treeDir } = asTree;
  if (image === null || mountPoint === null || treeDir === null) throw new Error('the image or the tree is missing');

  requireSound(image);
  const index = openIndex(readFileSync(layerPaths(`${images.dir}/layers/${id}`).index));
  const figures = figuresOf(index.entries());
  requireSame('figures', dumpedFigures(image), figures);
  requireSame('number of inodes', dumpedSuperblock(image).inodes, figures.all);
  const shown = mounted(image, mountPoint);
  requireSameListing('directory and image', before, shown, 0n);
  requireSameListing('tree and image', listTree(treeDir), shown, 999n);
  requireSame('attributes', attributesInMounted(image, mountPoint), attributesIn(treeDir));
  requireSameContent(image, treeDir, mountPoint);
  for (const home of [images, trees]) {
    const { ok, problems } = await home.open().verify(id, noAbort);
    if (!ok) throw new Error(problems.join(', '));
  }
  return figures;
}

interface Saved {
  readonly id: LayerId;
  readonly before: readonly Listed[];
}

async function save(from: LayerHome, dir: string): Promise<Saved> {
  const { dir: home, files } = from;
  const upper = `${home}/sessions/judged/upper`;
  mkdirSync(`${home}/sessions/judged`, { recursive: true });
  cpSync(dir, upper, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  const before = listTree(upper);
  const access = new OpenAccess(upper, files);
  const { changes } = walkUpper(access, noAbort);
  access.restore();
  const set = toChangeSet({ upper, files }, changes);
  const store = from.open();
  const staged = await store.stage({ changes: set, entries: stageAll(set), sealedAtMs: 1 }, noAbort);
  await store.publish(staged, noAbort);
  return { id: staged.id, before };
}

async function send(id: LayerId, from: LayerHome, to: LayerHome): Promise<void> {
  const store = to.open();
  const packed = await from.open().pack(id, noAbort);
  const staged = await store.unpack({ ...packed, id, sealedAtMs: 1 }, noAbort);
  await store.publish(staged, noAbort);
}

function requireSame(what: string, a: unknown, b: unknown): void {
  const [one, other] = [JSON.stringify(a), JSON.stringify(b)];
  if (one !== other) throw new Error(`${what}: ${one.slice(0, 1000)} and ${other.slice(0, 1000)}`);
}

/** Times that Node sets differ by less than a microsecond. */
function requireSameListing(what: string, a: readonly Listed[], b: readonly Listed[], withinNs: bigint): void {
  requireSame(`${what}: number of entries`, a.length, b.length);
  for (const [i, { mtimeNs, ...one }] of a.entries()) {
    const { mtimeNs: otherNs, ...other } = b[i] as Listed;
    requireSame(what, one, other);
    const difference = BigInt(mtimeNs) - BigInt(otherNs);
    if (difference > withinNs || -difference > withinNs)
      throw new Error(`${what}: ${one.path} differs by ${difference} ns`);
  }
}

const [, , directory] = process.argv;
if (import.meta.main && directory !== undefined)
  process.stdout.write(`${JSON.stringify(await judgeDirectory(directory))}\n`);
