import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import {
  digestOf,
  isCachelaneError,
  openIndex,
  type LayerId,
  type LayerStore,
  type LayerVerification,
} from '@cachelane/core';
import { imageHeadBytes } from '../image/erofs-format.ts';
import { encodeAbout } from '../layers/layer-about.ts';
import { archiveBytes, planArchive } from '../tar/archive-plan.ts';
import { corruptLayer } from '../layers/stored-layer.ts';
import { framed, once, archived } from '../wire/sent-layer.fixture.ts';
import {
  behind,
  joined,
  requireThat,
  split,
  Violation,
  type FuzzTarget,
  type Piece,
  type TargetOptions,
} from './fuzz-target.fixture.ts';
import { contentsOf } from './frames-target.fixture.ts';
import { smallTrees, takeIndex } from './index-target.fixture.ts';
import { surroundings } from './surroundings.fixture.ts';
import { openStore } from './take-in-target.fixture.ts';
import { tarPieces } from './tar-pieces.fixture.ts';

type Verify = (store: LayerStore, id: LayerId) => Promise<LayerVerification>;

const noAbort = new AbortController().signal;
const owner = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };

/**
 * Tests the readers of our own images, which a disk may have damaged: verification, packing, extraction. An input
 * is an index and an image.
 */
export async function imageTarget(
  { seed, dir }: TargetOptions,
  verify: Verify = (store, id) => store.verify(id, noAbort),
): Promise<FuzzTarget<LayerId>> {
  const { inside, requireUntouched } = surroundings(dir);
  const [home, other] = [`${inside}/home`, `${inside}/other`];
  for (const each of [home, other]) mkdirSync(`${each}/layers`, { recursive: true });
  const store = openStore(true, home);
  const layerDir = (id: LayerId): string => `${home}/layers/${id}`;
  const bases: Buffer[] = [];
  for (const items of smallTrees(seed, 20)) {
    // Deltas are beside the image.
    if (items.some(({ entry }) => entry.form === 'delta')) continue;
    const { index, archive } = archived(items);
    bases.push(joined(index, await imageOf(other, index, archive)));
  }
  return {
    refusals: ['E_LAYER_CORRUPT'],
    bases: bases.toSorted((a, b) => a.length - b.length),
    pieces(input) {
      const [index, image] = split(input);
      return behind(imagePieces(index, image), 4 + index.length);
    },
    mend: () => {},
    async accept(input) {
      const [bytes, image] = split(input);
      const id = digestOf(bytes) as LayerId;
      try {
        // Other targets test invalid indexes. Our own index matches its digest.
        takeIndex(bytes);
      } catch (error) {
        throw corruptLayer(id, 'its index is invalid', error);
      }
      putLayer(layerDir(id), { index: bytes, image });
      const { ok } = await verify(store, id);
      const packed = await unlessCorrupt(async () => await archiveIn(store, id));
      requireThat(packed !== null || !ok, 'a verified image cannot be packed');
      const extracted = await unlessCorrupt(async () => await store.extract(id, noAbort));
      requireThat(extracted !== null || !ok, 'a verified image cannot be extracted');
      if (extracted !== null) {
        const tree = await store.verify(id, noAbort);
        requireThat(tree.ok, `the extracted tree is damaged: ${tree.problems.join(', ')}`);
      }
      if (packed !== null && digestOf(packed) !== digestOf(await archiveOf(other, bytes, packed)))
        throw new Violation('a damaged image was packed');
      if (!ok) throw corruptLayer(id, 'its image is damaged', null);
      return id;
    },
    async hold(input) {
      const [index, image] = split(input);
      const archive = image.subarray(imageHeadBytes, imageHeadBytes + archiveBytes(planArchive(openIndex(index))));
      requireThat(
        (await imageOf(other, index, archive)).equals(image),
        'a verified image differs from the image of its layer',
      );
    },
    after() {
      for (const each of [home, other]) rmSync(`${each}/layers`, { recursive: true, force: true });
      for (const each of [home, other]) mkdirSync(`${each}/layers`);
      requireUntouched();
    },
    close: () => {},
  };
}

function putLayer(dir: string, { index, image }: { readonly index: Uint8Array; readonly image: Uint8Array }): void {
  const entries = [...openIndex(index).entries()];
  const about = {
    index: digestOf(index),
    sealedAtMs: 1,
    entries: entries.length,
    sizeBytes: entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    bootId: 'boot',
    imageOwner: owner,
  };
  mkdirSync(`${dir}/tree`, { recursive: true });
  writeFileSync(`${dir}/index`, index);
  writeFileSync(`${dir}/layer.json`, encodeAbout(about));
  writeFileSync(`${dir}/image.erofs`, image);
}

/** Returns the image that a valid archive becomes. */
async function imageOf(home: string, index: Uint8Array, archive: Buffer): Promise<Buffer> {
  const id = await take(home, index, archive);
  const image = readFileSync(`${home}/layers/${id}/image.erofs`);
  rmSync(`${home}/layers/${id}`, { recursive: true });
  return image;
}

async function archiveOf(home: string, index: Uint8Array, archive: Buffer): Promise<Buffer> {
  const id = await take(home, index, archive);
  const packed = await archiveIn(openStore(true, home), id);
  rmSync(`${home}/layers/${id}`, { recursive: true });
  return packed;
}

async function take(home: string, index: Uint8Array, archive: Buffer): Promise<LayerId> {
  const store = openStore(true, home);
  const id = digestOf(index) as LayerId;
  const staged = await store.unpack({ id, index, data: once(await framed(archive)), sealedAtMs: 1 }, noAbort);
  await store.publish(staged, noAbort);
  return id;
}

async function archiveIn(store: LayerStore, id: LayerId): Promise<Buffer> {
  const { data } = await store.pack(id, noAbort);
  const parts: Buffer[] = [];
  for await (const part of contentsOf(data)) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

async function unlessCorrupt<T>(act: () => Promise<T>): Promise<T | null> {
  try {
    return await act();
  } catch (error) {
    if (isCachelaneError(error, 'E_LAYER_CORRUPT')) return null;
    throw error;
  }
}

/** Returns the numbers of the superblock, the archive's pieces, and the inodes' numbers. */
function imagePieces(index: Buffer, image: Buffer): readonly Piece[] {
  const pieces: Piece[] = [];
  for (let at = 1024; at + 4 <= Math.min(image.length, 1152); at += 4) pieces.push({ kind: 'little', at, bytes: 4 });
  const end = imageHeadBytes + archiveBytesIn(index);
  pieces.push(...behind(tarPieces(image.subarray(imageHeadBytes, end)), imageHeadBytes));
  for (let at = end; at + 32 <= image.length && pieces.length < 3000; at += 32) {
    pieces.push({ kind: 'block', at, bytes: 32 });
    for (const [field, bytes] of [
      [0, 2],
      [4, 2],
      [8, 4],
      [16, 4],
      [24, 4],
    ] as const)
      pieces.push({ kind: 'little', at: at + field, bytes });
  }
  return pieces;
}

function archiveBytesIn(index: Buffer): number {
  try {
    return archiveBytes(planArchive(openIndex(index)));
  } catch {
    return 0;
  }
}
