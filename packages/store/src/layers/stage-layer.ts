import {
  digestOf,
  encodeIndex,
  invariant,
  openIndex,
  parentPath,
  rootPath,
  type BytePath,
  type ChangeSet,
  type Clock,
  type Entry,
  type LayerId,
  type LayerIndex,
  type StagedEntry,
  type StageRequest,
} from '@cachelane/core';
import { errnoOf, throwIfAborted } from './file-errors.ts';
import { ensureHomeDir, layerPaths, type HomePaths } from './home-paths.ts';
import { encodeAbout } from './layer-about.ts';
import { OpenAccess } from './open-access.ts';
import { placeEntry, type Placement } from './place-entries.ts';
import type { Owner, StoreFiles } from './store-files.ts';
import { dropUnclaimed, type Claims } from './take-over.ts';
import type { Trash } from './trash.ts';
import { TreeBuilder } from './tree-builder.ts';

export interface StageContext {
  readonly files: StoreFiles;
  readonly paths: HomePaths;
  readonly owner: Owner | null;
  readonly trash: Trash;
  readonly clock: Clock;
  readonly bootId: string;
}

/** A layer that is complete but nowhere to be found. */
export interface Staging {
  readonly id: LayerId;
  readonly index: LayerIndex;
  readonly sizeBytes: number;
  /** The layer's own directory, to be renamed into its place; lies in `dir`. */
  readonly layerDir: string;
  /** Everything that belongs to this staging. */
  readonly dir: string;
}

/** Entries between two looks at the signal and the clock. */
const checkEvery = 1024;
/** A staging that is being worked on says so this often: a sweep takes older ones for left behind. */
const heartbeatMs = 60_000;

/** Makes a layer beside the published ones. What it made so far is discarded when it throws. */
export function stageLayer(context: StageContext, request: StageRequest, signal: AbortSignal): Staging {
  const { files, paths, owner } = context;
  const claims = claimsOf(request.entries);
  // First of all: it checks the entries, before a directory is taken over.
  const bytes = encodeIndex(request.entries.map(({ entry }) => entry));
  ensureHomeDir(files, paths.staging, owner);
  const dir = files.makeUniqueDir(`${paths.staging}/`);
  try {
    const layerDir = `${dir}/layer`;
    files.makeDir(layerDir, 0o755);
    if (owner !== null) for (const each of [dir, layerDir]) files.setOwner(each, owner);
    const index = openIndex(bytes);
    const takenOver = takeOver(files, request.changes, layerPaths(layerDir).tree);
    const place = { files, root: layerPaths(layerDir).tree, scratch: `${dir}/scratch`, owner, index };
    const placement = { builder: new TreeBuilder(place), dir: layerDir, changes: request.changes, takenOver };
    fillTree(placement, request, { claims, tick: ticker(context, dir, signal) });
    const id = digestOf(bytes) as LayerId;
    const sizeBytes = request.entries.reduce((sum, { entry }) => sum + entry.sizeBytes, 0);
    const about = {
      index: id,
      sealedAtMs: request.sealedAtMs,
      entries: request.entries.length,
      sizeBytes,
      bootId: context.bootId,
    };
    for (const [path, content] of [
      [layerPaths(layerDir).index, bytes],
      [layerPaths(layerDir).about, encodeAbout(about)],
    ] as const) {
      files.writeSynced(path, content);
      if (owner !== null) files.setOwner(path, owner);
    }
    files.syncDir(layerDir);
    return { id, index, sizeBytes, layerDir, dir };
  } catch (error) {
    discardStaging(context, dir);
    throw error;
  }
}

/** Never throws: the sweep gets what stays. */
export function discardStaging({ trash, files }: Pick<StageContext, 'trash' | 'files'>, dir: string): void {
  try {
    trash.discard([dir]);
  } catch {
    try {
      // A full disk may not even have room for a name in the trash.
      files.start({ kind: 'remove', dir });
    } catch {
      // What stopped us is on its way to the caller already.
    }
  }
}

function claimsOf(entries: readonly StagedEntry[]): Claims {
  const claims = new Map<BytePath, StagedEntry>();
  for (const staged of entries) {
    const { entry, from } = staged;
    const isRemoval = entry.removed === 'counted' || entry.removed === 'hint';
    invariant(isRemoval === (from === 'removal'), 'a removal that is staged as content, or the reverse');
    claims.set(entry.path, staged);
  }
  return claims;
}

/**
 * Makes the directory of the changes the layer's tree; false where an empty one has to do, because the changes have no
 * directory or it lies on another device.
 */
function takeOver(files: StoreFiles, changes: ChangeSet | null, tree: string): boolean {
  if (changes !== null && changes.dir !== null && changes.movable) {
    try {
      // The command may have taken our permission to move it.
      new OpenAccess(changes.dir, files).run(rootPath, (dir) => files.rename(dir, tree));
      return true;
    } catch (error) {
      if (errnoOf(error) !== 'EXDEV') throw error;
    }
  }
  files.makeDir(tree, 0o755);
  return false;
}

interface FillSteps {
  readonly claims: Claims;
  readonly tick: () => void;
}

function fillTree(placement: Placement, request: StageRequest, { claims, tick }: FillSteps): void {
  const { builder, changes, takenOver } = placement;
  const { files, owner, root } = builder.place;
  if (owner !== null) files.setOwner(root, owner);
  files.setMode(root, 0o755);
  if (takenOver && changes !== null) dropUnclaimed(builder, { changes, claims, tick });
  const directories: Entry[] = [];
  for (const staged of request.entries) {
    tick();
    placeEntry(placement, staged);
    if (staged.entry.type === 'dir' && staged.from !== 'removal') directories.push(staged.entry);
  }
  mark(placement, request.entries);
  builder.finish(directories);
}

function mark({ builder, changes, takenOver }: Placement, entries: readonly StagedEntry[]): void {
  const { files, root, owner } = builder.place;
  const whiteouts: BytePath[] = [];
  const opaque: BytePath[] = [];
  const holders = new Set<BytePath>();
  for (const { entry } of entries) {
    const { path } = entry;
    if (entry.removed === 'below' && entry.type === 'dir') {
      builder.access.prepare(path);
      opaque.push(path);
    } else if (entry.removed === 'counted') {
      const parent = parentPath(path);
      if (takenOver && changes?.find(path)?.kind === 'removed') {
        adoptWhiteout(builder, path);
      } else {
        builder.expectNothing(path);
        builder.access.prepare(parent);
        whiteouts.push(path);
      }
      // The root is always merged: with what the command writes.
      if (parent === rootPath || holders.has(parent)) continue;
      // Whatever the kernel noted is for one kind of mount only.
      builder.access.prepare(parent);
      holders.add(parent);
    }
  }
  if (whiteouts.length + opaque.length + holders.size === 0) return;
  // Directories that have entries get their attributes later.
  const unlisted = [...holders].filter((path) => builder.place.index.find(path)?.type !== 'dir');
  const before = unlisted.map((path) => [path, builder.stat(path)] as const);
  files.mark(root, { whiteouts, opaque, holders: [...holders] });
  for (const [path, stat] of before) {
    if (stat === undefined) continue;
    builder.access.run(path, (file) => {
      files.setTime(file, stat.mtimeNs);
      files.setMode(file, Number(stat.mode) & 0o7777);
    });
  }
  if (owner === null) return;
  for (const path of whiteouts) builder.access.run(path, (file) => files.setOwner(file, owner));
}

/** The kernel made it for whoever ran the command. */
function adoptWhiteout(builder: TreeBuilder, path: BytePath): void {
  const { owner, files } = builder.place;
  if (owner === null) return;
  const stat = builder.stat(path);
  if (stat?.uid === BigInt(owner.uid) && stat.gid === BigInt(owner.gid)) return;
  builder.access.run(path, (file) => files.setOwner(file, owner));
}

function ticker({ files, clock }: StageContext, dir: string, signal: AbortSignal): () => void {
  let count = 0;
  let beatAtMs = clock.nowMs();
  return () => {
    if (++count % checkEvery !== 0) return;
    throwIfAborted(signal);
    const nowMs = clock.nowMs();
    if (nowMs - beatAtMs < heartbeatMs) return;
    beatAtMs = nowMs;
    files.setTime(dir, BigInt(nowMs) * 1_000_000n);
  };
}
