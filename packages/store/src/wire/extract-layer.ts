import { closeSync, constants, openSync, readdirSync, readFileSync } from 'node:fs';
import { invariant, isCachelaneError, type BytePath, type CachelaneError, type LayerId } from '@cachelane/core';
import { imageHeadBytes } from '../image/erofs-format.ts';
import { settledMark } from '../files/background-job.ts';
import { byteNames } from '../files/file-path.ts';
import { layerPaths } from '../files/home-paths.ts';
import { OpenAccess } from '../files/open-access.ts';
import { fillFrom } from '../files/read-file.ts';
import { renameUnlessThere } from '../files/rename-unless-there.ts';
import { discardStaging, type StageContext, type Staging } from '../layers/stage-layer.ts';
import { corruptLayer, readLayer, type LayerRef } from '../layers/stored-layer.ts';
import { checkTree } from '../layers/verify-layer.ts';
import { archiveBytes, planArchive } from '../tar/archive-plan.ts';
import type { Piece } from './archive.ts';
import { arrivingLayer } from './arriving-layer.ts';
import { frameBytes } from './frames.ts';
import { withStagingDir } from './take-in.ts';
import { unpackTree } from './unpack-tree.ts';

/**
 * Extracts an image into a tree. Does nothing for a layer that already has a tree.
 * The tree is built beside the layer, then renamed over the empty mount point. It counts only once `layer.json` says
 * so. If the process dies in between, the layer is still an image, and its mount point holds the same contents.
 */
export async function extractLayer(context: StageContext, ref: LayerRef, signal: AbortSignal): Promise<void> {
  const { index, about } = readLayer(ref);
  if (about.imageOwner === null) return;
  const plan = planArchive(index);
  const { sealedAtMs } = about;
  const parts = { id: about.index as LayerId, plan, bytes: readFileSync(layerPaths(ref.dir).index), sealedAtMs };
  const pieces = imagePieces(layerPaths(ref.dir).image, archiveBytes(plan));
  const layer = arrivingLayer(parts, pieces, context.files);
  let staging: Staging;
  try {
    staging = await withStagingDir(context, (dir) => unpackTree(context, dir, { layer, signal }));
  } catch (error) {
    throw isCachelaneError(error, 'E_LAYER_REFUSED') ? damagedImage(ref, error) : error;
  }
  try {
    replaceTree(context, ref, { staging, signal });
  } finally {
    discardStaging(context, staging.dir);
  }
}

/** Turns a refusal into corruption: this image is our own. */
function damagedImage({ key }: LayerRef, cause: CachelaneError): CachelaneError {
  return corruptLayer(key, `its image cannot be read (${cause.message})`, cause);
}

async function* imagePieces(file: string, sizeBytes: number): AsyncGenerator<Piece> {
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    for (let at = 0; at < sizeBytes;) {
      await Promise.resolve();
      const piece = Buffer.allocUnsafeSlow(Math.min(frameBytes, sizeBytes - at));
      const got = fillFrom(descriptor, piece, imageHeadBytes + at);
      if (got === 0) return;
      at += got;
      yield { kind: 'content', bytes: piece.subarray(0, got), sizeBytes: got };
    }
  } finally {
    closeSync(descriptor);
  }
}

interface Replacing {
  readonly staging: Staging;
  readonly signal: AbortSignal;
}

function replaceTree(context: StageContext, ref: LayerRef, replacing: Replacing): void {
  const { files } = context;
  putTree(context, ref, replacing);
  // Sync the tree's name first: after a power loss, `layer.json` must not announce a missing tree.
  files.syncDir(ref.dir);
  files.rename(layerPaths(replacing.staging.layerDir).about, layerPaths(ref.dir).about);
  files.syncDir(ref.dir);
  files.start({ kind: 'settle', marks: [settledMark(ref.dir, 'tree')] });
}

function putTree({ files }: StageContext, { dir }: LayerRef, { staging, signal }: Replacing): void {
  const { tree } = layerPaths(dir);
  const made = layerPaths(staging.layerDir).tree;
  if (renameUnlessThere(files, made, tree)) return;
  // Another process made this tree, or died after making it. After a reboot it may be incomplete.
  let isWhole = true;
  checkTree({ dir, index: staging.index, files, signal, report: () => (isWhole = false) });
  if (isWhole) return;
  const left = `${staging.dir}/left`;
  files.makeDir(left, 0o700);
  const access = new OpenAccess(tree, files);
  for (const [i, name] of readdirSync(tree, byteNames).entries()) {
    access.run(name as BytePath, (file) => files.rename(file, `${left}/${i}`));
  }
  invariant(renameUnlessThere(files, made, tree), 'two trees for one layer');
}
