import { existsSync, readdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import {
  invariant,
  isCachelaneError,
  type Clock,
  type Digest,
  type LayerId,
  type LayerStore,
  type ListedLayer,
  type StagedLayer,
  type StageRequest,
  type StoredLayer,
} from '@cachelane/core';
import { settledMark } from '../files/background-job.ts';
import { diskUsage } from './disk-usage.ts';
import { errnoOf, fromSystem, isMissing, longPortCall, portCall } from '../files/file-errors.ts';
import { ensureHomeDir, homePaths, layerPaths, ownerOf } from '../files/home-paths.ts';
import { readAbout } from '../layers/layer-about.ts';
import { discardStaging, keepFresh, stageLayer, type StageContext, type Staging } from '../layers/stage-layer.ts';
import { renameUnlessThere } from '../files/rename-unless-there.ts';
import { realFiles, type StoreFiles } from '../files/store-files.ts';
import { openStoredLayer, type LayerRef } from '../layers/stored-layer.ts';
import { sweepHome, sweepImages } from './sweep.ts';
import type { KeepsImages } from '../wire/take-in.ts';
import { openTrash } from '../files/trash.ts';
import { verifyLayer } from '../layers/verify-layer.ts';

export interface LayerFilesOptions {
  /** The home: an absolute path without a trailing slash. Missing directories are created on the first write. */
  readonly dir: string;
  /** Id of the running boot, as the kernel reports it. */
  readonly bootId: string;
  readonly clock: Clock;
  /**
   * Tests whether incoming layers can be kept as images, for views that are mounted. Default: as trees. Called
   * once, for the first incoming layer, with a directory of the home for the test.
   */
  readonly images?: KeepsImages;
  /** For tests that interfere with disk operations. */
  readonly files?: StoreFiles;
}

const keepsTrees: KeepsImages = async () => await Promise.resolve(false);

/** The use time of a derived layer is accurate to one hour. More precision would cost a write for every attach. */
const usedResolutionMs = 3_600_000;

/**
 * Opens the layers of a home as directories (docs/reference/store-format.md, "Layers"). Many processes may use them at
 * once.
 */
export function openLayerFiles({
  dir: home,
  bootId,
  clock,
  images = keepsTrees,
  files = realFiles,
}: LayerFilesOptions): LayerStore {
  const paths = homePaths(home);
  const stagings = new WeakMap<StagedLayer, Staging>();
  /** Incoming layers: if the local copy is damaged, the remote has another. */
  const incomings = new WeakSet<StagedLayer>();
  let imagesAnswer: Promise<boolean> | undefined;
  const askedOnce: KeepsImages = async (dir) => {
    imagesAnswer ??= images(dir);
    try {
      return await imagesAnswer;
    } catch {
      // The test failed to run, so the next layer tries again.
      imagesAnswer = undefined;
      return false;
    }
  };
  const layerDir = (id: LayerId): string => `${paths.layers}/${id}`;
  const derivedDir = (key: Digest): string => `${paths.derived}/${key}`;
  const layerRef = (id: LayerId): LayerRef => ({ kind: 'layer', dir: layerDir(id), key: id });
  const derivedRef = (key: Digest): LayerRef => ({ kind: 'derived', dir: derivedDir(key), key });

  const context = (): StageContext => {
    const owner = existsSync(home) ? ownerOf(home) : null;
    return { files, paths, owner, trash: openTrash(files, paths, owner), clock, bootId };
  };

  /** A damaged derived layer may be mounted right now, so retire it. The next user makes a new one. */
  const openDerivedDir = (key: Digest): StoredLayer =>
    openStoredLayer(derivedRef(key), { files, onDamage: () => context().trash.retire([derivedDir(key)]) });

  /** Returns true if the layer was moved to `target`. Returns false, and deletes ours, if one was already there. */
  const publish = (staging: Staging, target: string): boolean => {
    const { owner, trash } = context();
    const parent = target.slice(0, target.lastIndexOf('/'));
    ensureHomeDir(files, parent, owner);
    const isFirst = renameUnlessThere(files, staging.layerDir, target);
    if (isFirst) {
      // The name must survive a power loss before metadata refers to it. The content syncs in the background.
      files.syncDir(parent);
      files.start({ kind: 'settle', marks: [settledMark(target, staging.form)] });
    }
    discardRest(files, { trash, files }, staging.dir);
    return isFirst;
  };

  const retireDamaged = (id: LayerId, signal: AbortSignal): void => {
    const dir = layerDir(id);
    if (existsSync(dir) && !verifyLayer(layerRef(id), { files }, signal).ok) context().trash.retire([dir]);
  };

  const isSettledDir = (dir: string): boolean => {
    const about = readAbout(dir);
    return about.bootId === bootId || existsSync(settledMark(dir, about.imageOwner === null ? 'tree' : 'image'));
  };

  const openDerived = (key: Digest, signal: AbortSignal): StoredLayer | undefined => {
    const dir = derivedDir(key);
    if (!existsSync(dir)) return undefined;
    try {
      if (isSettledDir(dir) || verifyLayer(derivedRef(key), { files }, signal).ok) {
        const layer = openDerivedDir(key);
        noteUse(files, dir, clock.nowMs());
        return layer;
      }
    } catch (error) {
      // Deleted in the meantime, or damaged: make it again.
      if (
        !isMissing(error) &&
        !isCachelaneError(error, 'E_LAYER_MISSING') &&
        !isCachelaneError(error, 'E_LAYER_CORRUPT')
      ) {
        throw error;
      }
    }
    context().trash.discard([dir]);
    return undefined;
  };

  const discard = (dirs: readonly string[], doing: string): void => {
    try {
      context().trash.discard(dirs.filter((dir) => existsSync(dir)));
    } catch (error) {
      throw fromSystem(error, doing);
    }
  };

  const derive = (key: Digest, request: StageRequest, signal: AbortSignal): StoredLayer => {
    const known = openDerived(key, signal);
    if (known !== undefined) return known;
    const staging = stageLayer(context(), request, signal);
    // Mark it as used before it becomes visible, or a collection could treat it as idle.
    noteUse(files, staging.layerDir, clock.nowMs());
    publish(staging, derivedDir(key));
    try {
      return openDerivedDir(key);
    } catch (error) {
      // A collection that saw an idle layer of this name may delete the new one until a session pins it.
      if (!isMissing(error) && !isCachelaneError(error, 'E_LAYER_MISSING')) throw error;
      return derive(key, request, signal);
    }
  };

  return {
    open: (id, signal) =>
      portCall(`reading layer ${short(id)}`, signal, () => openStoredLayer(layerRef(id), { files })),
    has: (id, signal) =>
      portCall(`looking for layer ${short(id)}`, signal, () => existsSync(layerPaths(layerDir(id)).index)),
    stage: (request, signal) =>
      portCall('saving a layer', signal, () => {
        const staging = stageLayer(context(), request, signal);
        const staged: StagedLayer = { id: staging.id, sizeBytes: staging.sizeBytes, index: staging.index };
        stagings.set(staged, staging);
        return staged;
      }),
    publish: (staged, signal) =>
      portCall('saving a layer', signal, () => {
        const staging = stagings.get(staged);
        if (staging === undefined) {
          invariant(existsSync(layerDir(staged.id)), 'publishing a layer that was not staged');
          return;
        }
        if (incomings.has(staged)) retireDamaged(staged.id, signal);
        publish(staging, layerDir(staged.id));
        stagings.delete(staged);
      }),
    pack: (layer, signal) => {
      const id = typeof layer === 'string' ? layer : layer.id;
      return longPortCall(`packing layer ${short(id)}`, signal, async () => {
        const staging = typeof layer === 'string' ? undefined : stagings.get(layer);
        const ref = { ...layerRef(id), ...(staging && { dir: staging.layerDir }) };
        // Opened only to check it.
        openStoredLayer(ref, { files });
        const { packLayer } = await import('../wire/pack-layer.ts');
        const data = packLayer(ref, files, signal);
        const index = readFileSync(layerPaths(ref.dir).index);
        return { index, data: staging === undefined ? data : whileStaged(context(), staging.dir, data) };
      });
    },
    unpack: (incoming, signal) =>
      longPortCall(`unpacking layer ${short(incoming.id)}`, signal, async () => {
        const { takeIn } = await import('../wire/take-in.ts');
        const staging = await takeIn({ ...context(), images: askedOnce }, incoming, signal);
        const staged: StagedLayer = { id: staging.id, sizeBytes: staging.sizeBytes, index: staging.index };
        stagings.set(staged, staging);
        incomings.add(staged);
        return staged;
      }),
    extract: (id, signal) =>
      longPortCall(`extracting layer ${short(id)}`, signal, async () => {
        const ref = layerRef(id);
        // Throws if the layer is missing or damaged. Most layers need no more.
        const layer = openStoredLayer(ref, { files });
        if (layer.image === null) return layer;
        const { extractLayer } = await import('../wire/extract-layer.ts');
        await extractLayer(context(), ref, signal);
        return openStoredLayer(ref, { files });
      }),
    unstage: (staged, signal) =>
      portCall('discarding a layer', signal, () => {
        const staging = stagings.get(staged);
        if (staging === undefined) return;
        stagings.delete(staged);
        discardStaging(context(), staging.dir);
      }),
    openDerived: (key, signal) => portCall('reading a derived layer', signal, () => openDerived(key, signal)),
    derive: (key, request, signal) => portCall('making a derived layer', signal, () => derive(key, request, signal)),
    list: (signal) =>
      portCall('listing layers', signal, () =>
        digestsIn(paths.layers).flatMap((id) => describeLayer(layerDir(id as LayerId), id as LayerId)),
      ),
    describe: (ids, signal) =>
      portCall('reading layers', signal, () => ids.flatMap((id) => describeLayer(layerDir(id), id))),
    listDerived: (signal) =>
      portCall('listing derived layers', signal, () =>
        digestsIn(paths.derived).flatMap((key) => {
          const stat = statSync(layerPaths(derivedDir(key)).about, { throwIfNoEntry: false });
          const damaged = statSync(derivedDir(key), { throwIfNoEntry: false });
          const usedAtMs = stat?.mtimeMs ?? damaged?.mtimeMs;
          return usedAtMs === undefined ? [] : [{ key, usedAtMs: Math.floor(usedAtMs) }];
        }),
      ),
    usage: (signal) => portCall('measuring the store', signal, () => diskUsage({ home, paths }, signal)),
    space: (signal) =>
      portCall('measuring the disk', signal, () => {
        const { bavail, blocks, bsize } = statfsSync(home);
        return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
      }),
    isThere: (id) => existsSync(layerDir(id)),
    remove: (ids) => discard(ids.map(layerDir), 'removing layers'),
    removeDerived: (keys) => discard(keys.map(derivedDir), 'removing derived layers'),
    verify: (id, signal, onBytes) =>
      portCall(`verifying layer ${short(id)}`, signal, () => verifyLayer(layerRef(id), { files, onBytes }, signal)),
    isSettled: (id, signal) =>
      portCall(`checking layer ${short(id)}`, signal, () => {
        try {
          return isSettledDir(layerDir(id));
        } catch (error) {
          // Verification reports the damage.
          if (isMissing(error) || isCachelaneError(error, 'E_LAYER_CORRUPT')) return false;
          throw error;
        }
      }),
    sweep: (nowMs, signal) =>
      portCall('sweeping', signal, () => sweepHome({ files, paths, trash: context().trash, nowMs })),
    sweepImages: (nowMs, signal) => portCall('sweeping', signal, () => sweepImages({ files, paths, nowMs })),
  };
}

function short(key: Digest): string {
  return key.slice(0, 12);
}

/** Deletes the rest of a staging, and the layer itself if it was already published. */
function discardRest(files: StoreFiles, context: Pick<StageContext, 'trash' | 'files'>, dir: string): void {
  try {
    files.removeDir(dir);
  } catch (error) {
    if (errnoOf(error) === 'ENOTEMPTY' || errnoOf(error) === 'EEXIST') discardStaging(context, dir);
    else if (!isMissing(error)) throw error;
  }
}

function noteUse(files: StoreFiles, dir: string, nowMs: number): void {
  const { about } = layerPaths(dir);
  const { mtimeMs } = statSync(about);
  if (Math.abs(nowMs - mtimeMs) < usedResolutionMs) return;
  try {
    files.setTime(about, BigInt(nowMs) * 1_000_000n);
  } catch (error) {
    // The home may be readable but not writable.
    if (!['EACCES', 'EPERM', 'EROFS'].includes(errnoOf(error) ?? '')) throw error;
  }
}

/** Returns the names in a directory that are digests. Other names are not ours. */
function digestsIn(dir: string): readonly Digest[] {
  try {
    return readdirSync(dir).filter((name) => /^[0-9a-f]{64}$/.test(name)) as Digest[];
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Returns an empty list if the layer is gone. Lists damaged layers too, so that they can be removed. */
function describeLayer(dir: string, id: LayerId): readonly ListedLayer[] {
  try {
    const { sealedAtMs, sizeBytes } = readAbout(dir);
    return [{ id, sealedAtMs, sizeBytes }];
  } catch (error) {
    if (!isMissing(error) && !isCachelaneError(error, 'E_LAYER_CORRUPT')) throw error;
    const stat = statSync(dir, { throwIfNoEntry: false });
    return stat === undefined ? [] : [{ id, sealedAtMs: Math.floor(stat.mtimeMs), sizeBytes: 0 }];
  }
}

async function* whileStaged(
  context: StageContext,
  dir: string,
  data: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  using _fresh = keepFresh(context, dir);
  yield* data;
}
