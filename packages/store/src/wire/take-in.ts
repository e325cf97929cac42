import { statfsSync } from 'node:fs';
import { CachelaneError, type IncomingLayer } from '@cachelane/core';
import { fitsImage } from '../image/erofs-metadata.ts';
import { ensureHomeDir } from '../files/home-paths.ts';
import { discardStaging, keepFresh, type StageContext, type Staging } from '../layers/stage-layer.ts';
import { archiveBytes } from '../tar/archive-plan.ts';
import { framePieces } from './archive.ts';
import { arrivingLayer } from './arriving-layer.ts';
import { checkIncoming } from './check-incoming.ts';
import { unpackImage } from './unpack-image.ts';
import { unpackTree } from './unpack-tree.ts';

/** Returns whether the processes that run here can mount images of layers, tested in a directory. */
export type KeepsImages = (dir: string) => Promise<boolean>;

export interface TakeInContext extends StageContext {
  /** Whether to keep the layer as an image where possible, else as a tree. */
  readonly images: KeepsImages;
}

/** Stages a layer from elsewhere. Leaves nothing behind if the layer is refused. */
export async function takeIn(
  context: TakeInContext,
  { id, index: bytes, sealedAtMs, data }: IncomingLayer,
  signal: AbortSignal,
): Promise<Staging> {
  const plan = checkIncoming(id, bytes);
  const layer = arrivingLayer({ id, plan, bytes, sealedAtMs }, framePieces(data), context.files);
  return await withStagingDir(context, async (dir) => {
    requireSpace(dir, archiveBytes(plan));
    const unpack = fitsImage(archiveBytes(plan)) && (await context.images(dir)) ? unpackImage : unpackTree;
    return await unpack(context, dir, { layer, signal });
  });
}

/** Calls `use` with a working directory. Deletes the directory afterwards, unless the staging took it over. */
export async function withStagingDir(context: StageContext, use: (dir: string) => Promise<Staging>): Promise<Staging> {
  const { files, paths, owner } = context;
  ensureHomeDir(files, paths.staging, owner);
  const dir = files.makeUniqueDir(`${paths.staging}/`);
  using _fresh = keepFresh(context, dir);
  let staging: Staging | undefined;
  try {
    staging = await use(dir);
    return staging;
  } finally {
    if (staging?.dir !== dir) discardStaging(context, dir);
  }
}

function requireSpace(dir: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(dir);
  if (bytes <= bavail * bsize) return;
  throw new CachelaneError('E_DISK_FULL', `a layer needs ${bytes} bytes, but only ${bavail * bsize} are free`, {
    hint: '`cachelane gc` deletes unused data',
  });
}
