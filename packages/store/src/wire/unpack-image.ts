import { closeSync, fchmodSync, fchownSync, ftruncateSync, openSync } from 'node:fs';
import { invariant, type Digest } from '@cachelane/core';
import { imageHeadBytes } from '../image/erofs-format.ts';
import { ImageMetadata } from '../image/erofs-metadata.ts';
import { layerPaths } from '../files/home-paths.ts';
import { placeDelta } from '../layers/place-entries.ts';
import { fillFrom } from '../files/read-file.ts';
import { describe, type StageContext, type Staging } from '../layers/stage-layer.ts';
import type { Owner } from '../files/store-files.ts';
import type { ArrivingLayer } from './arriving-layer.ts';
import { writeAll } from './piece-sinks.ts';

/**
 * Stages a layer as an image in `dir`, an empty directory of ours. Throws E_LAYER_REFUSED if archive and index differ.
 */
export async function unpackImage(
  context: StageContext,
  dir: string,
  { layer, signal }: { readonly layer: ArrivingLayer; readonly signal: AbortSignal },
): Promise<Staging> {
  const { files, owner } = context;
  const { plan, id } = layer;
  const layerDir = `${dir}/layer`;
  const { tree, image } = layerPaths(layerDir);
  for (const each of [layerDir, tree]) {
    files.makeDir(each, 0o755);
    files.setMode(each, 0o755);
  }
  if (owner !== null) for (const each of [dir, layerDir, tree]) files.setOwner(each, owner);
  const imageOwner = owner ?? ownOwner();
  // Private: the image contains files that others may not read.
  const descriptor = openSync(image, 'wx+', 0o600);
  try {
    const metadata = new ImageMetadata(plan, imageOwner);
    await layer.walk(
      { kind: 'image', descriptor },
      {
        delta: ({ digest }, content) => {
          placeDelta({ dir: layerDir, files, owner }, digest as Digest, (file) => files.write(file, content));
        },
        passed: (place) => metadata.add(place),
        signal,
      },
    );
    finishImage(descriptor, metadata, imageOwner);
  } finally {
    closeSync(descriptor);
  }
  const about = { index: id, sealedAtMs: layer.sealedAtMs, entries: plan.index.count, sizeBytes: plan.sizeBytes };
  describe(context, layerDir, { bytes: layer.bytes, about: { ...about, bootId: context.bootId, imageOwner } });
  return { id, index: plan.index, sizeBytes: about.sizeBytes, form: 'image', layerDir, dir };
}

function ownOwner(): Owner {
  const [uid, gid] = [process.geteuid?.(), process.getegid?.()];
  invariant(uid !== undefined && gid !== undefined, 'a system without users');
  return { uid, gid };
}

/** Writes the parts before and after the archive. */
function finishImage(descriptor: number, metadata: ImageMetadata, owner: Owner): void {
  const { head, body, metaAt, imageBytes } = metadata.finish((at, count) => {
    const bytes = Buffer.alloc(count);
    fillFrom(descriptor, bytes, imageHeadBytes + at);
    return bytes;
  });
  let at = metaAt;
  for (const part of body) {
    writeAll(descriptor, part, at);
    at += part.length;
  }
  writeAll(descriptor, head, 0);
  ftruncateSync(descriptor, imageBytes);
  fchmodSync(descriptor, 0o600);
  fchownSync(descriptor, owner.uid, owner.gid);
}
