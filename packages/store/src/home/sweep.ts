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
 * Whoever opened the layer before it got its tree has had time to mount the image; a mount that is made needs the name
 * no more.
 */
function staleImages(paths: HomePaths, nowMs: number): readonly StaleImage[] {
  return namesIn(paths.layers).flatMap((id) => {
    const dir = `${paths.layers}/${id}`;
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
    // Gone meanwhile, damaged, or made by a later version: whoever reads the layer says so.
    if (isMissing(error) || error instanceof CachelaneError) return false;
    throw error;
  }
}

/**
 * Layers that were never published, and trash whose removal was cut off. Who still works on one keeps its time fresh.
 */
export function sweepHome({ files, paths, trash, nowMs }: SweepRequest): readonly string[] {
  const stale = (dir: string): readonly string[] =>
    namesIn(dir).filter((name) => {
      const stat = statSync(`${dir}/${name}`, { throwIfNoEntry: false });
      return stat !== undefined && nowMs - stat.mtimeMs > limits.sweepGraceMs;
    });
  // Before the staging: what is thrown away now has a process of its own already.
  const thrown = stale(paths.trash);
  for (const name of thrown) files.start({ kind: 'remove', dir: `${paths.trash}/${name}` });
  const unfinished = stale(paths.staging);
  trash.discard(unfinished.map((name) => `${paths.staging}/${name}`));
  return [
    ...unfinished.map((name) => `unfinished layer staging/${name}`),
    ...thrown.map((name) => `left in the trash: trash/${name}`),
  ];
}

/** Looks at every layer. */
export function sweepImages({ files, paths, nowMs }: Omit<SweepRequest, 'trash'>): readonly string[] {
  const images = staleImages(paths, nowMs);
  for (const { image } of images) files.unlink(image);
  return images.map(({ id }) => `image of a layer that has a tree now: layers/${id}`);
}
