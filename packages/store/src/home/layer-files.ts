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
import { discardStaging, stageLayer, type StageContext, type Staging } from '../layers/stage-layer.ts';
import { renameUnlessThere } from '../files/rename-unless-there.ts';
import { realFiles, type StoreFiles } from '../files/store-files.ts';
import { openStoredLayer, type LayerRef } from '../layers/stored-layer.ts';
import { sweepHome, sweepImages } from './sweep.ts';
import type { KeepsImages } from '../wire/take-in.ts';
import { openTrash } from '../files/trash.ts';
import { verifyLayer } from '../layers/verify-layer.ts';

export interface LayerFilesOptions {
  /** The home: an absolute path, without a slash at its end. Missing directories are made when something is stored. */
  readonly dir: string;
  /** Of the running boot, as the kernel gives it. */
  readonly bootId: string;
  readonly clock: Clock;
  /**
   * Whether what comes from elsewhere is kept as images, for views that are mounted; else, where one cannot hold it, and by default, as trees. Asked
   * once, when the first layer comes, with a directory of the home to try it in, where what is left of a killed one is swept.
   */
  readonly images?: KeepsImages;
  /** For tests that interfere with what happens on the disk. */
  readonly files?: StoreFiles;
}

const keepsTrees: KeepsImages = async () => await Promise.resolve(false);

/** The last use of a derived layer is known to an hour; finer would cost a write for every attach. */
const usedResolutionMs = 3_600_000;

/** Layers as directories of a home (docs/reference/store-format.md, "Layers"); any number of processes may use them at once. */
export function openLayerFiles({
  dir: home,
  bootId,
  clock,
  images = keepsTrees,
  files = realFiles,
}: LayerFilesOptions): LayerStore {
  const paths = homePaths(home);
  const stagings = new WeakMap<StagedLayer, Staging>();
  /** Those that came from elsewhere, where a copy that is damaged here can be mended. */
  const incomings = new WeakSet<StagedLayer>();
  let imagesAnswer: Promise<boolean> | undefined;
  const askedOnce: KeepsImages = async (dir) => {
    imagesAnswer ??= images(dir);
    try {
      return await imagesAnswer;
    } catch {
      // That nobody could find out says nothing of the next one.
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

  /** Somebody may have it mounted at this moment. The next one to ask makes it anew. */
  const openDerivedDir = (key: Digest): StoredLayer =>
    openStoredLayer(derivedRef(key), { files, onDamage: () => context().trash.retire([derivedDir(key)]) });

  /** True when the layer now lies at `target`; false when one was there already, and ours went. */
  const publish = (staging: Staging, target: string): boolean => {
    const { owner, trash } = context();
    const parent = target.slice(0, target.lastIndexOf('/'));
    ensureHomeDir(files, parent, owner);
    const isFirst = renameUnlessThere(files, staging.layerDir, target);
    if (isFirst) {
      // The name must outlive a power loss before metadata may refer to it; the content follows in the background.
      files.syncDir(parent);
      files.start({ kind: 'settle', marks: [settledMark(target, staging.form)] });
    }
    discardRest(files, { trash, files }, staging.dir);
    return isFirst;
  };

  const retireDamaged = (id: LayerId, signal: AbortSignal): void => {
    const dir = layerDir(id);
    if (existsSync(dir) && !verifyLayer(layerRef(id), files, signal).ok) context().trash.retire([dir]);
  };

  const isSettledDir = (dir: string): boolean => {
    const about = readAbout(dir);
    return about.bootId === bootId || existsSync(settledMark(dir, about.imageOwner === null ? 'tree' : 'image'));
  };

  const openDerived = (key: Digest, signal: AbortSignal): StoredLayer | undefined => {
    const dir = derivedDir(key);
    if (!existsSync(dir)) return undefined;
    try {
      if (isSettledDir(dir) || verifyLayer(derivedRef(key), files, signal).ok) {
        const layer = openDerivedDir(key);
        noteUse(files, dir, clock.nowMs());
        return layer;
      }
    } catch (error) {
      // Removed meanwhile, or damaged: it is made anew.
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
    // By the time it can be found it must look used, or a collection takes it for idle.
    noteUse(files, staging.layerDir, clock.nowMs());
    publish(staging, derivedDir(key));
    try {
      return openDerivedDir(key);
    } catch (error) {
      // A collection which saw an idle one of that name may take this one for it, until a session has pinned it.
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
          invariant(existsSync(layerDir(staged.id)), 'publishing what was not staged');
          return;
        }
        if (incomings.has(staged)) retireDamaged(staged.id, signal);
        publish(staging, layerDir(staged.id));
        stagings.delete(staged);
      }),
    pack: (id, signal) =>
      longPortCall(`packing layer ${short(id)}`, signal, async () => {
        const ref = layerRef(id);
        // For its errors.
        openStoredLayer(ref, { files });
        const { packLayer } = await import('../wire/pack-layer.ts');
        return { index: readFileSync(layerPaths(ref.dir).index), data: packLayer(ref, files, signal) };
      }),
    unpack: (incoming, signal) =>
      longPortCall(`taking in layer ${short(incoming.id)}`, signal, async () => {
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
        // For its errors, and mostly for nothing else.
        const layer = openStoredLayer(ref, { files });
        if (layer.image === null) return layer;
        const { extractLayer } = await import('../wire/extract-layer.ts');
        await extractLayer(context(), ref, signal);
        return openStoredLayer(ref, { files });
      }),
    unstage: (staged, signal) =>
      portCall('dropping a layer', signal, () => {
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
      portCall('looking at layers', signal, () => ids.flatMap((id) => describeLayer(layerDir(id), id))),
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
    verify: (id, signal) =>
      portCall(`verifying layer ${short(id)}`, signal, () => verifyLayer(layerRef(id), files, signal)),
    isSettled: (id, signal) =>
      portCall(`looking at layer ${short(id)}`, signal, () => {
        try {
          return isSettledDir(layerDir(id));
        } catch (error) {
          // Whoever verifies it will find what is wrong.
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

/** What the layer was made with, and the layer itself where it was there before. */
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
    // Somebody else's home may be read without being written.
    if (!['EACCES', 'EPERM', 'EROFS'].includes(errnoOf(error) ?? '')) throw error;
  }
}

/** Names in a directory that are digests; anything else there is not ours to touch. */
function digestsIn(dir: string): readonly Digest[] {
  try {
    return readdirSync(dir).filter((name) => /^[0-9a-f]{64}$/.test(name)) as Digest[];
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Empty when it went meanwhile; a damaged one is listed all the same, so that it can be removed. */
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
