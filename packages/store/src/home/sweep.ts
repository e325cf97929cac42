import { lstatSync, statSync } from 'node:fs';
import { CachelaneError, limits } from '@cachelane/core';
import { isMissing } from '../files/file-errors.ts';
import { layerPaths, type HomePaths } from '../files/home-paths.ts';
import { readAbout } from '../layers/layer-about.ts';
import { namesIn } from '../files/read-file.ts';
import type { StoreFiles } from '../files/store-files.ts';
import type { Trash } from '../files/trash.ts';

export interface SweepRequest {
  readonly files: StoreFiles;
  readonly paths: HomePaths;
  readonly trash: Trash;
  readonly nowMs: number;
}

interface StaleImage {
  readonly id: string;
  readonly image: string;
}

/**
 * Returns images of layers that got a tree long enough ago. Runs that opened the layer before have mounted the
 * image by now, and a mount survives deletion of the file.
 */
function staleImages(paths: HomePaths, nowMs: number): readonly StaleImage[] {
  return namesIn(paths.layers).flatMap((id) => {
    const dir = `${paths.layers}/${id}`;
    // Other programs' files may lie there.
    if (statSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
    const { image, about } = layerPaths(dir);
    if (lstatSync(image, { throwIfNoEntry: false })?.isFile() !== true) return [];
    const stat = statSync(about, { throwIfNoEntry: false });
    return stat !== undefined && nowMs - stat.mtimeMs > limits.sweepGraceMs && isTree(dir) ? [{ id, image }] : [];
  });
}

function isTree(dir: string): boolean {
  try {
    return readAbout(dir).imageOwner === null;
  } catch (error) {
    // Gone, damaged, or from a later version: readers of the layer report that.
    if (isMissing(error) || error instanceof CachelaneError) return false;
    throw error;
  }
}

/**
 * Deletes unpublished layers and trash from interrupted removals. Running processes keep the times of their own
 * directories fresh.
 */
export function sweepHome({ files, paths, trash, nowMs }: SweepRequest): readonly string[] {
  const stale = (dir: string): readonly string[] =>
    namesIn(dir).filter((name) => {
      const stat = statSync(`${dir}/${name}`, { throwIfNoEntry: false });
      return stat !== undefined && nowMs - stat.mtimeMs > limits.sweepGraceMs;
    });
  // List the trash before the staging directories move there: those get their own process.
  const thrown = stale(paths.trash);
  for (const name of thrown) files.start({ kind: 'remove', dir: `${paths.trash}/${name}` });
  const unfinished = stale(paths.staging);
  trash.discard(unfinished.map((name) => `${paths.staging}/${name}`));
  return [
    ...unfinished.map((name) => `unfinished layer staging/${name}`),
    ...thrown.map((name) => `left in the trash: trash/${name}`),
  ];
}

/** Deletes stale images. Checks every layer. */
export function sweepImages({ files, paths, nowMs }: Omit<SweepRequest, 'trash'>): readonly string[] {
  const images = staleImages(paths, nowMs);
  for (const { image } of images) files.unlink(image);
  return images.map(({ id }) => `image of an extracted layer: layers/${id}`);
}
