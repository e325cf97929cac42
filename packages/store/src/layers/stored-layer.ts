import { existsSync, lstatSync, readFileSync, readlinkSync } from 'node:fs';
import {
  CachelaneError,
  digestOf,
  displayPath,
  isCachelaneError,
  openIndex,
  type BytePath,
  type Digest,
  type Entry,
  type LayerIndex,
  type StoredLayer,
} from '@cachelane/core';
import { openImagePlaces, type ImagePlaces } from '../image/image-places.ts';
import { errnoOf, fromSystem, isMissing } from '../files/file-errors.ts';
import type { FilePath } from '../files/file-path.ts';
import { deltaFile, layerPaths } from '../files/home-paths.ts';
import { readAbout, type LayerAbout } from './layer-about.ts';
import { OpenAccess } from '../files/open-access.ts';
import { readFirst, readRange, readWhole } from '../files/read-file.ts';
import type { StoreFiles } from '../files/store-files.ts';

/** A layer's directory and key: a layer's index digest, or the digest of a derived layer's inputs. */
export interface LayerRef {
  readonly kind: 'layer' | 'derived';
  readonly dir: string;
  readonly key: Digest;
}

export interface LayerAccess {
  readonly files: Pick<StoreFiles, 'setMode'>;
  /** Called when part of the layer is found damaged, before the error is thrown. */
  readonly onDamage?: () => void;
}

/** Where the files of a layer in a home are. */
export interface LayerPlace {
  readonly dir: string;
  /** Null if the content is in the layer's tree. Also null once the layer has been extracted and its image deleted. */
  readonly image: ImagePlaces | null;
}

/** Places of the layers that this process opened, for hard links to their content. */
const openPlaces = new WeakMap<StoredLayer, LayerPlace>();

/** Returns undefined for layers of other stores. */
export function placeOf(layer: StoredLayer): LayerPlace | undefined {
  return openPlaces.get(layer);
}

/**
 * Opens the layer in `dir`. Reads and checks its index on first use (10 MB for 120k files, 9 ms): a run that
 * changes nothing only mounts the tree. Checks content when it is read. Throws E_LAYER_MISSING, E_LAYER_CORRUPT,
 * E_STORE_NEWER; reading the index may throw the last two later.
 */
export function openStoredLayer(ref: LayerRef, { files, onDamage }: LayerAccess): StoredLayer {
  const about = readParts(ref, () => aboutOf(ref));
  const image = about.imageOwner === null ? null : openImagePlaces(layerPaths(ref.dir).image, () => layer.index);
  let index: LayerIndex | undefined;
  const noticing = <T>(use: () => T): T => {
    try {
      return use();
    } catch (error) {
      if (isCachelaneError(error, 'E_LAYER_CORRUPT')) onDamage?.();
      throw error;
    }
  };
  const place: LayerPlace = {
    dir: ref.dir,
    // A run may outlive the image.
    get image() {
      return image !== null && existsSync(image.file) ? image : null;
    },
  };
  const open = (path: BytePath): Opened => openContent({ ...place, index: layer.index, files }, path);
  const layer: StoredLayer = {
    key: ref.key,
    get index() {
      return (index ??= noticing(() => readParts(ref, () => indexOf(ref, about))));
    },
    sealedAtMs: about.sealedAtMs,
    entryCount: about.entries,
    treeDir: layerPaths(ref.dir).tree,
    image: image?.file ?? null,
    read: (path) =>
      noticing(() => {
        const { entry, content } = open(path);
        const bytes = content.all();
        if (bytes.length === entry.sizeBytes && digestOf(bytes) === entry.digest) return bytes;
        throw damaged(path, 'differs from what was saved');
      }),
    readHead: (path, count) => noticing(() => open(path).content.head(count)),
  };
  openPlaces.set(layer, place);
  return layer;
}

export function readLayer(ref: LayerRef): { readonly about: LayerAbout; readonly index: LayerIndex } {
  return readParts(ref, () => {
    const about = aboutOf(ref);
    return { about, index: indexOf(ref, about) };
  });
}

function aboutOf({ dir, key, kind }: LayerRef): LayerAbout {
  const about = readAbout(dir);
  if (kind === 'layer' && about.index !== key) throw corruptLayer(key, 'it contains another layer');
  if (!lstatSync(layerPaths(dir).tree).isDirectory()) throw corruptLayer(key, 'its tree is not a directory');
  if (!lstatSync(layerPaths(dir).index).isFile()) throw corruptLayer(key, 'its index is not a file');
  if (about.imageOwner !== null && !lstatSync(layerPaths(dir).image).isFile()) {
    throw corruptLayer(key, 'its image is not a file');
  }
  return about;
}

function indexOf({ dir, key }: LayerRef, about: LayerAbout): LayerIndex {
  const bytes = readFileSync(layerPaths(dir).index);
  if (digestOf(bytes) !== about.index) throw corruptLayer(key, 'its index has changed');
  return openIndex(bytes);
}

function readParts<T>({ dir, key }: LayerRef, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isMissing(error)) throw fromSystem(error, `reading layer ${key.slice(0, 12)}`);
    if (lstatSync(dir, { throwIfNoEntry: false }) !== undefined)
      throw corruptLayer(key, 'a part of it is missing', error);
    throw new CachelaneError('E_LAYER_MISSING', `layer ${key.slice(0, 12)} is not in the store`, { cause: error });
  }
}

export function corruptLayer(key: Digest, why: string, cause?: unknown): CachelaneError {
  return new CachelaneError('E_LAYER_CORRUPT', `layer ${key.slice(0, 12)} is damaged: ${why}`, {
    hint: 'the next run continues without it and saves its contents again',
    cause,
  });
}

function damaged(path: BytePath, why: string, cause?: unknown): CachelaneError {
  return new CachelaneError('E_LAYER_CORRUPT', `${displayPath(path)} in a layer ${why}`, {
    hint: '`cachelane verify --repair` removes the layer; the next run saves its contents again',
    cause,
  });
}

interface Content {
  all(): Uint8Array;
  head(count: number): Uint8Array;
}

interface Opened {
  readonly entry: Entry;
  readonly content: Content;
}

interface LayerContent extends LayerPlace {
  readonly index: LayerIndex;
  readonly files: Pick<StoreFiles, 'setMode'>;
}

function openContent({ dir, image, index, files }: LayerContent, path: BytePath): Opened {
  const entry = index.find(path);
  if (entry === undefined || entry.digest === null) throw damaged(path, 'has no content');
  const { digest, form, type } = entry;
  const read = <T>(use: (file: FilePath) => T): T => {
    if (form === 'delta') return use(deltaFile(dir, digest));
    const access = new OpenAccess(layerPaths(dir).tree, files, (each) => index.find(each)?.mode);
    try {
      return access.run(path, use);
    } finally {
      access.restore();
    }
  };
  const guarded = <T>(use: (file: FilePath) => T): T => {
    try {
      return read(use);
    } catch (error) {
      if (isMissing(error)) throw damaged(path, 'is missing', error);
      if (errnoOf(error) === 'ELOOP' || errnoOf(error) === 'EISDIR') throw damaged(path, 'is not a plain file', error);
      throw fromSystem(error, `reading ${displayPath(path)}`);
    }
  };
  if (image !== null && form === 'whole') {
    const { at, sizeBytes } = image.rangeOf(entry);
    const head = (count: number): Uint8Array => guarded(() => readRange(image.file, at, Math.min(count, sizeBytes)));
    return { entry, content: { all: () => head(sizeBytes), head } };
  }
  if (type === 'symlink') {
    const target = (): Uint8Array => guarded((file) => readlinkSync(file, 'buffer'));
    return { entry, content: { all: target, head: (count) => target().subarray(0, count) } };
  }
  return {
    entry,
    content: { all: () => guarded(readWhole), head: (count) => guarded((file) => readFirst(file, count)) },
  };
}
