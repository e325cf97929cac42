import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  childPath,
  openIndex,
  rootPath,
  type BytePath,
  type ChangeSet,
  type Clock,
  type Digest,
  type LayerId,
  type LayerIndex,
} from '@cachelane/core';
import {
  sampleTimeNs,
  toBytes,
  type ChangeItem,
  type Damage,
  type LayerStoreFixture,
  type SeenInTree,
  type SeenTree,
} from '@cachelane/testkit';
import { imageHeadBytes } from '../image/erofs-format.ts';
import { archivePlaces, planArchive } from '../tar/archive-plan.ts';
import { toChangeSet } from '../layers/change-set.ts';
import { walkUpper } from '../overlay/walk-upper.ts';
import { commandOf, type BackgroundJob } from '../files/background-job.ts';
import { filePath } from '../files/file-path.ts';
import { deltaFile, layerPaths } from '../files/home-paths.ts';
import { openLayerFiles } from './layer-files.ts';
import { isOpaque, readMarks } from '../files/markers.ts';
import { OpenAccess } from '../files/open-access.ts';
import { realFiles, type StoreFiles } from '../files/store-files.ts';
import { isWhiteout } from '../layers/verify-layer.ts';

const noAbort = new AbortController().signal;

export function runJob(job: BackgroundJob): void {
  const [program, ...args] = commandOf(job);
  spawnSync(program, args, { stdio: 'ignore' });
}

/** A home in a temporary directory. Background jobs wait until a test runs them. */
export interface LayerHome extends LayerStoreFixture {
  readonly dir: string;
  readonly files: StoreFiles;
  readonly jobs: readonly BackgroundJob[];
}

export function fixedClock(nowMs: number): Clock {
  return { nowMs: () => nowMs, monotonicMs: () => 0, sleep: () => Promise.resolve() };
}

/** `images`: keeps incoming layers as images. */
export function createLayerHome({ images = false } = {}): Promise<LayerHome> {
  const dir = fs.mkdtempSync(join(tmpdir(), 'cachelane-home-'));
  const jobs: BackgroundJob[] = [];
  const files: StoreFiles = { ...realFiles, start: (job) => void jobs.push(job) };
  let uppers = 0;
  return Promise.resolve({
    dir,
    files,
    jobs,
    open: ({ bootId = 'boot', nowMs = 0 } = {}) =>
      openLayerFiles({
        dir,
        bootId,
        clock: fixedClock(nowMs),
        images: async () => await Promise.resolve(images),
        files,
      }),
    changes: (items) => changesIn(makeUpper(dir, ++uppers), items),
    tree: (layer) => {
      if (layer.treeDir === null) return null;
      return layer.image === null ? seeTree(layer.treeDir) : seeImage(layer.image, fs.mkdtempSync(`${dir}/seen-`));
    },
    damage: (id, damage) => {
      const layer = `${dir}/layers/${id}`;
      if (fs.existsSync(layerPaths(layer).image)) harmImage(layer, damage);
      else harm(layer, damage);
    },
    damageDerived: (key, damage) => harm(`${dir}/derived/${key}`, damage),
    settle: (id: LayerId) => {
      const job = jobs.findLast((each) => each.kind === 'settle' && each.marks[0].includes(id));
      if (job !== undefined) runJob(job);
      return Promise.resolve();
    },
    leftovers: () => (fs.existsSync(`${dir}/staging`) ? fs.readdirSync(`${dir}/staging`) : []),
    hasIndexFiles: true,
    sharesContent: true,
    [Symbol.asyncDispose]: () => {
      runJob({ kind: 'remove', dir });
      return Promise.resolve();
    },
  });
}

/** Returns the contents of an image as another program reads them. Its devices need root. */
function seeImage(image: string, dir: string): SeenTree {
  const args = [`--extract=${dir}`, '--force', '--overwrite', '--xattrs', '--preserve', image];
  const { status, stderr } = spawnSync('fsck.erofs', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`fsck.erofs: ${stderr}`);
  return seeTree(dir);
}

function makeUpper(home: string, number: number): string {
  const upper = `${home}/sessions/${number}/upper`;
  fs.mkdirSync(upper, { recursive: true });
  return upper;
}

/** Writes the items as a run would leave them in an overlay's upper directory. */
function changesIn(upper: string, items: readonly ChangeItem[]): ChangeSet {
  const whiteouts = items.flatMap((item) => (item.kind === 'removed' ? [item.path as BytePath] : []));
  for (const item of items) writeItem(filePath(upper, item.path as BytePath), item);
  realFiles.mark(upper, { whiteouts, opaque: [], holders: [] });
  for (const item of items.toReversed()) dressItem(filePath(upper, item.path as BytePath), item);
  const access = new OpenAccess(upper, realFiles);
  const replaced = new Set(items.flatMap((item) => (item.kind === 'dir' && item.replaces === true ? [item.path] : [])));
  const { changes } = walkUpper(access, noAbort);
  access.restore();
  return toChangeSet(
    { upper, files: realFiles },
    changes.map((change) => (change.kind === 'dir' ? { ...change, replaces: replaced.has(change.path) } : change)),
  );
}

function writeItem(file: string | Buffer, item: ChangeItem): void {
  switch (item.kind) {
    case 'file':
      fs.writeFileSync(file, toBytes(item.content));
      return;
    case 'dir':
      fs.mkdirSync(file);
      return;
    case 'symlink':
      fs.symlinkSync(Buffer.from(item.target, 'latin1'), file);
      return;
    case 'special':
      spawnSync('mkfifo', [String(file)]);
      return;
    case 'removed':
      return;
  }
}

function dressItem(file: string | Buffer, item: ChangeItem): void {
  if (item.kind === 'removed' || item.kind === 'special') return;
  realFiles.setTime(file, sampleTimeNs);
  if (item.kind !== 'symlink') fs.chmodSync(file, item.mode ?? (item.kind === 'dir' ? 0o755 : 0o644));
}

function seeTree(root: string): SeenTree {
  const access = new OpenAccess(root, realFiles);
  const files = new Map<string, SeenInTree>();
  const directories: BytePath[] = [];
  const pending: BytePath[] = [rootPath];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    for (const name of access.run(directory, (file) => fs.readdirSync(file, { encoding: 'latin1' }))) {
      const path = childPath(directory, name);
      const seen = access.run(path, see);
      const mode = access.modeBefore(path);
      files.set(path, mode !== undefined && 'mode' in seen ? { ...seen, mode } : seen);
      if (seen.type !== 'dir') continue;
      directories.push(path);
      pending.push(path);
    }
  }
  for (const path of directories) access.prepare(path);
  const marks = readMarks(root, directories);
  access.restore();
  return { files, opaque: new Set(directories.filter((_, i) => isOpaque(marks[i] ?? new Set()))) };
}

function see(file: string | Buffer): SeenInTree {
  const stat = fs.lstatSync(file, { bigint: true });
  const mode = Number(stat.mode) & 0o7777;
  if (stat.isDirectory()) return { type: 'dir', mode };
  if (stat.isSymbolicLink()) return { type: 'symlink', target: fs.readlinkSync(file, 'latin1') };
  if (stat.isFile()) return { type: 'file', mode, content: mode === 0 ? '' : fs.readFileSync(file, 'latin1') };
  return isWhiteout(stat) ? { type: 'whiteout' } : { type: 'special' };
}

function harm(dir: string, damage: Damage): void {
  const file = damagedFile(dir, damage);
  switch (damage.kind) {
    case 'remove':
    case 'remove-index':
      fs.unlinkSync(file);
      return;
    case 'add':
      fs.writeFileSync(file, 'added');
      return;
    case 'truncate':
      fs.truncateSync(file, 1);
      return;
    case 'flip':
    case 'flip-index': {
      const { atimeNs, mtimeNs } = fs.statSync(file, { bigint: true });
      const bytes = fs.readFileSync(file);
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
      fs.writeFileSync(file, bytes);
      fs.utimesSync(file, Number(atimeNs) / 1e9, Number(mtimeNs) / 1e9);
      return;
    }
  }
}

function damagedFile(dir: string, damage: Damage): string {
  if (!('path' in damage)) return layerPaths(dir).index;
  const inTree = `${layerPaths(dir).tree}/${damage.path}`;
  if (damage.kind === 'add' || fs.existsSync(inTree)) return inTree;
  const [delta] = fs.readdirSync(layerPaths(dir).delta);
  return deltaFile(dir, delta as Digest);
}

/** Does `harm` to the part of an image that corresponds to the file. */
function harmImage(dir: string, damage: Damage): void {
  const index = openIndex(fs.readFileSync(layerPaths(dir).index));
  const { image, tree } = layerPaths(dir);
  const place = 'path' in damage ? placeInImage(index, damage.path as BytePath) : undefined;
  if (place === undefined || !('path' in damage)) {
    if (damage.kind === 'add') fs.mkdirSync(dirname(`${tree}/${damage.path}`), { recursive: true });
    harm(dir, damage);
    return;
  }
  const { headAt, contentAt, sizeBytes } = place;
  const bytes = fs.readFileSync(image);
  const middle = contentAt + (sizeBytes >> 1);
  if (damage.kind === 'flip') bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  else bytes.fill(0, headAt, contentAt + sizeBytes);
  fs.writeFileSync(image, damage.kind === 'truncate' ? bytes.subarray(0, contentAt) : bytes);
}

interface PlaceInImage {
  readonly headAt: number;
  readonly contentAt: number;
  readonly sizeBytes: number;
}

/** Returns undefined for content outside the image. */
function placeInImage(index: LayerIndex, path: BytePath): PlaceInImage | undefined {
  for (const { entry, headAt, contentAt } of archivePlaces(planArchive(index))) {
    if (entry.path !== path || entry.form === 'delta') continue;
    return { headAt: imageHeadBytes + headAt, contentAt: imageHeadBytes + contentAt, sizeBytes: entry.sizeBytes };
  }
  return undefined;
}
