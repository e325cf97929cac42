import {
  CachelaneError,
  digestOf,
  displayPath,
  invariant,
  parentPath,
  type BytePath,
  type ChangeSet,
  type Digest,
  type Entry,
  type StagedEntry,
  type StoredLayer,
} from '@cachelane/core';
import { errnoOf, isMissing, refused } from '../files/file-errors.ts';
import type { FilePath } from '../files/file-path.ts';
import { deltaFile, layerPaths } from '../files/home-paths.ts';
import { OpenAccess } from '../files/open-access.ts';
import { digestFile } from '../files/read-file.ts';
import { placeOf, type LayerPlace } from './stored-layer.ts';
import type { Owner, StoreFiles } from '../files/store-files.ts';
import type { TreeBuilder } from '../files/tree-builder.ts';

export interface Placement {
  readonly builder: TreeBuilder;
  /** The layer's directory. */
  readonly dir: string;
  readonly changes: ChangeSet | null;
  /** Whether the changes are already in the tree. Otherwise they are copied. */
  readonly takenOver: boolean;
  /** Whether everything except directories already matches its entry. */
  readonly isOurs: boolean;
}

/** Puts one entry's content in its place. Directories get their attributes later. */
export function placeEntry(placement: Placement, staged: StagedEntry): void {
  const { builder } = placement;
  const { entry } = staged;
  switch (staged.from) {
    case 'removal':
      return;
    case 'made':
      invariant(entry.type === 'dir', 'a made entry must be a directory');
      builder.ensureDir(entry.path);
      return;
    case 'content':
      placeContent(placement, entry, staged.content);
      return;
    case 'layer':
      placeFromLayer(placement, entry, staged.layer);
      return;
    case 'change':
      placeChange(placement, entry);
      return;
  }
}

function placeContent(placement: Placement, entry: Entry, content: Uint8Array): void {
  const { builder } = placement;
  invariant(entry.type === 'file', 'content of an entry that is not a file');
  invariant(
    content.length === entry.sizeBytes && digestOf(content) === entry.digest,
    'content that its entry does not describe',
  );
  if (entry.form === 'delta') {
    placeDelta(deltaPlace(placement), digestIn(entry), (file) => builder.place.files.write(file, content));
    return;
  }
  builder.create(entry.path, (file) => builder.place.files.write(file, content));
  builder.dress(entry.path, entry);
}

export interface DeltaPlace {
  /** The layer's directory. */
  readonly dir: string;
  readonly files: StoreFiles;
  readonly owner: Owner | null;
}

function deltaPlace({ builder, dir }: Placement): DeltaPlace {
  const { files, owner } = builder.place;
  return { dir, files, owner };
}

/** Writes a delta, unless another delta with the same bytes exists. */
export function placeDelta({ dir, files, owner }: DeltaPlace, digest: Digest, make: (file: FilePath) => void): void {
  const { delta } = layerPaths(dir);
  try {
    files.makeDir(delta, 0o755);
    if (owner !== null) files.setOwner(delta, owner);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
  const file = deltaFile(dir, digest);
  try {
    make(file);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    return;
  }
  if (owner !== null) files.setOwner(file, owner);
}

function placeChange({ builder, changes, takenOver, isOurs }: Placement, entry: Entry): void {
  if (isOurs) return;
  const { path } = entry;
  const change = changes?.find(path);
  invariant(changes !== null && change !== undefined && entry.form === 'whole', 'an entry without a matching change');
  if (entry.type === 'dir') {
    // Taken-over files are checked once, at the end.
    if (!takenOver) builder.ensureDir(path);
  } else if (takenOver) {
    builder.adopt(entry);
  } else {
    const { files } = builder.place;
    if (change.kind === 'symlink') builder.create(path, (file) => files.symlink(change.target, file));
    else if (changes.dir === null) builder.create(path, (file) => files.write(file, changes.read(path)));
    else copyInto(builder, path, new OpenAccess(changes.dir, files));
    const stat = builder.stat(path);
    if (stat?.size !== BigInt(entry.sizeBytes)) throw refused(path, 'it changed while it was being saved');
    builder.dress(path, entry);
  }
}

function placeFromLayer(placement: Placement, entry: Entry, layer: StoredLayer): void {
  const { builder } = placement;
  const { path } = entry;
  if (entry.type === 'dir') {
    builder.ensureDir(path);
    return;
  }
  const source = layer.index.find(path);
  invariant(
    source?.digest === entry.digest && source.form === entry.form && source.type === entry.type,
    'an entry that its layer does not have',
  );
  const place = placeOf(layer);
  if (place === undefined || !tryLink(placement, entry, { source, place, layer }))
    copyFromLayer(placement, entry, layer);
}

interface LinkSource {
  readonly source: Entry;
  readonly place: LayerPlace;
  readonly layer: StoredLayer;
}

/** Hard-links the content if all attributes match. Returns false if the file system cannot link it. */
function tryLink(placement: Placement, entry: Entry, { source, place, layer }: LinkSource): boolean {
  const { builder } = placement;
  const { dir, image } = place;
  const { files } = builder.place;
  try {
    if (entry.form === 'delta') {
      const digest = digestIn(entry);
      placeDelta(deltaPlace(placement), digest, (file) => files.link(deltaFile(dir, digest), file));
      return true;
    }
    if (image !== null || source.mode !== entry.mode || source.mtimeNs !== entry.mtimeNs) return false;
    const from = new OpenAccess(layerPaths(dir).tree, files, (each) => layer.index.find(each)?.mode);
    try {
      // Keep the owner: the inode belongs to the other layer and has the right one.
      builder.ensureDir(parentPath(entry.path));
      from.run(entry.path, (content) => builder.access.run(entry.path, (file) => files.link(content, file)));
    } finally {
      from.restore();
    }
    return true;
  } catch (error) {
    // EXDEV: another device. EMLINK: too many names. EPERM: another user's file. Readers report missing content.
    if (isMissing(error) || ['EXDEV', 'EMLINK', 'EPERM'].includes(errnoOf(error) ?? '')) return false;
    if (errnoOf(error) === 'EEXIST') throw refused(entry.path, 'two entries have this path');
    throw error;
  }
}

function copyFromLayer(placement: Placement, entry: Entry, layer: StoredLayer): void {
  const { builder } = placement;
  const { files } = builder.place;
  const { path } = entry;
  const place = placeOf(layer);
  if (place !== undefined && entry.type === 'file' && entry.form === 'whole') {
    // Not through memory: the file may be larger than that.
    copyWhole(builder, { entry, layer, place });
    if (builder.access.run(path, digestFile).digest !== entry.digest) throw damagedSource(path);
  } else if (entry.form === 'delta') {
    placeDelta(deltaPlace(placement), digestIn(entry), (file) => files.write(file, layer.read(path)));
    return;
  } else {
    const content = layer.read(path);
    builder.create(path, (file) => {
      if (entry.type === 'symlink') files.symlink(content, file);
      else files.write(file, content);
    });
  }
  builder.dress(path, entry);
}

interface CopySource {
  readonly entry: Entry;
  readonly layer: StoredLayer;
  readonly place: LayerPlace;
}

function copyWhole(builder: TreeBuilder, { entry, layer, place: { dir, image } }: CopySource): void {
  const { files } = builder.place;
  const { path } = entry;
  if (image === null) {
    copyInto(builder, path, new OpenAccess(layerPaths(dir).tree, files, (each) => layer.index.find(each)?.mode));
    return;
  }
  const range = image.rangeOf(entry);
  try {
    builder.create(path, (file) => files.copyRange(image.file, range, file));
  } catch (error) {
    throw isMissing(error) ? damagedSource(path) : error;
  }
}

function damagedSource(path: BytePath): CachelaneError {
  return new CachelaneError('E_LAYER_CORRUPT', `${displayPath(path)} in a layer differs from what was saved`);
}

function copyInto(builder: TreeBuilder, path: BytePath, from: OpenAccess): void {
  try {
    from.run(path, (source) => builder.create(path, (file) => builder.place.files.copy(source, file)));
  } catch (error) {
    if (isMissing(error)) throw damagedSource(path);
    throw error;
  } finally {
    from.restore();
  }
}

function digestIn({ digest }: Entry): Digest {
  invariant(digest !== null, 'content without a digest');
  return digest;
}
