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
import { errnoOf, throwIfAborted } from '../files/file-errors.ts';
import { ensureHomeDir, layerPaths, type HomePaths } from '../files/home-paths.ts';
import { encodeAbout, type LayerAbout } from './layer-about.ts';
import { OpenAccess } from '../files/open-access.ts';
import { placeEntry, type Placement } from './place-entries.ts';
import type { Owner, StoreFiles } from '../files/store-files.ts';
import { dropUnclaimed } from './take-over.ts';
import type { Trash } from '../files/trash.ts';
import { TreeBuilder } from '../files/tree-builder.ts';

export interface StageContext {
  readonly files: StoreFiles;
  readonly paths: HomePaths;
  readonly owner: Owner | null;
  readonly trash: Trash;
  readonly clock: Clock;
  readonly bootId: string;
  /**
   * The bytes of the index, if the directory of changes is our own work and already matches the entries, except
   * attributes of directories.
   */
  readonly ours?: Uint8Array;
}

/** A complete layer that is not published yet. */
export interface Staging {
  readonly id: LayerId;
  readonly index: LayerIndex;
  readonly sizeBytes: number;
  readonly form: 'tree' | 'image';
  /** The layer's own directory inside `dir`, renamed to publish it. */
  readonly layerDir: string;
  /** Everything that belongs to this staging. */
  readonly dir: string;
}

/** Entries between checks of the signal and the clock. */
const checkEvery = 1024;
/** How often a staging touches its directory. A sweep deletes stagings that look abandoned. */
const heartbeatMs = 60_000;

/** Builds a layer beside the published ones. Discards its work if it throws. */
export function stageLayer(context: StageContext, request: StageRequest, signal: AbortSignal): Staging {
  const { files, paths, owner } = context;
  const isOurs = context.ours !== undefined;
  checkRemovals(request.entries);
  // Encode first: it checks the entries before a directory is taken over.
  const bytes = context.ours ?? encodeIndex(request.entries.map(({ entry }) => entry));
  ensureHomeDir(files, paths.staging, owner);
  const dir = files.makeUniqueDir(`${paths.staging}/`);
  try {
    const layerDir = `${dir}/layer`;
    files.makeDir(layerDir, 0o755);
    if (owner !== null) for (const each of [dir, layerDir]) files.setOwner(each, owner);
    const index = openIndex(bytes);
    const takenOver = takeOver(files, request.changes, layerPaths(layerDir).tree);
    const place = { files, root: layerPaths(layerDir).tree, scratch: `${dir}/scratch`, owner, index };
    invariant(takenOver || !isOurs, 'our own directory must be taken over');
    const placement = { builder: new TreeBuilder(place), dir: layerDir, changes: request.changes, takenOver, isOurs };
    fillTree(placement, request, ticker(context, dir, signal));
    const id = digestOf(bytes) as LayerId;
    const sizeBytes = request.entries.reduce((sum, { entry }) => sum + entry.sizeBytes, 0);
    const about = { index: id, sealedAtMs: request.sealedAtMs, entries: request.entries.length, sizeBytes };
    describe(context, layerDir, { bytes, about: { ...about, bootId: context.bootId, imageOwner: null } });
    return { id, index, sizeBytes, form: 'tree', layerDir, dir };
  } catch (error) {
    discardStaging(context, dir);
    throw error;
  }
}

/** Writes a layer's index and `layer.json`, the last step before it can be published. */
export function describe(
  { files, owner }: StageContext,
  layerDir: string,
  { bytes, about }: { readonly bytes: Uint8Array; readonly about: LayerAbout },
): void {
  for (const [path, content] of [
    [layerPaths(layerDir).index, bytes],
    [layerPaths(layerDir).about, encodeAbout(about)],
  ] as const) {
    files.writeSynced(path, content);
    if (owner !== null) files.setOwner(path, owner);
  }
  files.syncDir(layerDir);
}

/** Renews the time of a staging each minute until disposed, so that no sweep removes it. */
export function keepFresh({ files, clock }: Pick<StageContext, 'files' | 'clock'>, dir: string): Disposable {
  const heart = setInterval(() => files.setTime(dir, BigInt(clock.nowMs()) * 1_000_000n), heartbeatMs).unref();
  return {
    [Symbol.dispose]: () => {
      clearInterval(heart);
    },
  };
}

/**
 * Discards a staging; never throws. The sweep deletes the rest. An empty one is deleted at once: in a pull of many
 * layers, one process for each would cost more than everything else.
 */
export function discardStaging({ trash, files }: Pick<StageContext, 'trash' | 'files'>, dir: string): void {
  if (removedEmpty(files, dir)) return;
  try {
    trash.discard([dir]);
  } catch {
    try {
      // A full disk may not have room for a name in the trash.
      files.start({ kind: 'remove', dir });
    } catch {
      // The caller already has the first error.
    }
  }
}

function checkRemovals(entries: readonly StagedEntry[]): void {
  for (const { entry, from } of entries) {
    const isRemoval = entry.removed === 'counted' || entry.removed === 'hint';
    invariant(isRemoval === (from === 'removal'), 'a removal staged as content, or content staged as a removal');
  }
}

function removedEmpty(files: StoreFiles, dir: string): boolean {
  try {
    files.removeDir(dir);
    return true;
  } catch {
    return false;
  }
}

/**
 * Makes the directory of changes the layer's tree. Returns false if the tree starts empty, because there is no such
 * directory or it is on another device.
 */
function takeOver(files: StoreFiles, changes: ChangeSet | null, tree: string): boolean {
  if (changes !== null && changes.dir !== null && changes.movable) {
    try {
      // The command may have removed our permission to move it.
      new OpenAccess(changes.dir, files).run(rootPath, (dir) => files.rename(dir, tree));
      return true;
    } catch (error) {
      if (errnoOf(error) !== 'EXDEV') throw error;
    }
  }
  files.makeDir(tree, 0o755);
  return false;
}

function fillTree(placement: Placement, request: StageRequest, tick: () => void): void {
  const { builder, changes, takenOver, isOurs } = placement;
  const { files, owner, root } = builder.place;
  if (owner !== null) files.setOwner(root, owner);
  files.setMode(root, 0o755);
  if (takenOver && changes !== null && !isOurs) {
    const claims = new Map(request.entries.map((staged) => [staged.entry.path, staged]));
    dropUnclaimed(builder, { changes, claims, tick });
  }
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
      // The root is always merged with the command's own directory.
      if (parent === rootPath || holders.has(parent)) continue;
      // The kernel's marks work for only one kind of mount.
      builder.access.prepare(parent);
      holders.add(parent);
    }
  }
  if (whiteouts.length + opaque.length + holders.size === 0) return;
  // Directories with entries get their attributes later.
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

/** Sets the owner of a whiteout, which the kernel made for the user who ran the command. */
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
