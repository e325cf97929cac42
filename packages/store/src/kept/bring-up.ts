import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import {
  CachelaneError,
  digestOf,
  displayPath,
  farFutureNs,
  LayerStack,
  type BytePath,
  type Digest,
  type Entry,
  type StoredLayer,
} from '@cachelane/core';
import type { ImagePlaces } from '../image/image-places.ts';
import { errnoOf, isMissing, throwIfAborted } from '../layers/file-errors.ts';
import type { FilePath } from '../layers/file-path.ts';
import { layerPaths } from '../layers/home-paths.ts';
import { OpenAccess } from '../layers/open-access.ts';
import { digestFile } from '../layers/read-file.ts';
import { placeOf } from '../layers/stored-layer.ts';
import type { Owner, StoreFiles } from '../layers/store-files.ts';
import { isAsRecorded, type KeptRecord, type KeptTable } from './kept-table.ts';
import { isOwner } from './kept-tree.ts';
import { recordOf } from './scan-kept.ts';

export interface KeptPlace {
  readonly files: StoreFiles;
  /** Absolute path of the directory that is kept. */
  readonly tree: string;
  /** For what is on its way into or out of it; on the same mount, emptied by whoever owns the place. */
  readonly scratch: string;
  /**
   * What runs changed since it was brought up: it is looked at again, since a file may have other names by which somebody edited it
   * meanwhile. Such a file gets an inode of its own, or what is done to another name would be done to it.
   */
  readonly dirty: ReadonlySet<BytePath>;
  /** Those of them that are files from before, of which the view shows what it showed: made anew, since not all that was done to them can be seen. */
  readonly touched: ReadonlySet<BytePath>;
  /** Of what we make there. */
  readonly owner: Owner;
  /** What may lie there though no view has it; null: nothing. */
  readonly mayStay: ((path: BytePath, isDirectory: boolean) => boolean) | null;
  /** See `KeptContext`. */
  readonly farFutureAsNs: bigint | null;
}

/** What a view shows at a path, and the layer that holds it. */
interface Wanted {
  readonly entry: Entry;
  readonly layer: StoredLayer;
}

/**
 * Makes a kept directory show what the view shows, by the difference: what is right already is not touched, and what takes the place
 * of something else does so in one step, so that a file that many projects link to never is half there. `only`: paths that
 * may differ; null for all. Returns the table of what is there then.
 */
export function bringUp(
  place: KeptPlace,
  from: KeptTable,
  view: readonly StoredLayer[],
  only: Iterable<BytePath> | null,
  signal: AbortSignal,
): KeptTable {
  const work = new BringUp(place, from, signal);
  const stack = new LayerStack(view);
  const wanted = only === null ? allOf(stack) : someOf(stack, only, from);
  try {
    for (const path of pathsToLookAt(from, wanted, only)) work.removeUnlessWanted(path, wanted.get(path));
    for (const [path, each] of wanted) if (each !== null) work.make(path, each);
    work.finish();
  } finally {
    work.close();
  }
  return from.with(work.records);
}

type WantedPaths = ReadonlyMap<BytePath, Wanted | null>;

/** In byte order: parents first. */
function allOf(stack: LayerStack<StoredLayer>): WantedPaths {
  const wanted = new Map<BytePath, Wanted | null>();
  for (const { entry, depth } of stack.visible()) {
    const layer = stack.layers[depth];
    if (layer !== undefined) wanted.set(entry.path, { entry, layer });
  }
  return wanted;
}

/** What is asked for, what leads there, and all that lies below a directory that is not there yet. */
function someOf(stack: LayerStack<StoredLayer>, only: Iterable<BytePath>, from: KeptTable): WantedPaths {
  const found = new Map<BytePath, Wanted | null>();
  const look = (path: BytePath): void => {
    if (found.has(path)) return;
    const seen = stack.lookUp(path);
    const layer = seen && stack.layers[seen.depth];
    found.set(path, seen === undefined || layer === undefined ? null : { entry: seen.entry, layer });
  };
  for (const path of only) {
    for (let at: string = path; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) look(at as BytePath);
    if (found.get(path)?.entry.type !== 'dir' || from.find(path)?.type === 'dir') continue;
    for (const { entry } of stack.visibleBelow(path)) look(entry.path);
  }
  return new Map([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Deepest first. */
function pathsToLookAt(from: KeptTable, wanted: WantedPaths, only: Iterable<BytePath> | null): readonly BytePath[] {
  const there = only === null ? [...from.paths()] : [...wanted.keys()];
  const suspects = there.filter((path) => {
    const want = wanted.get(path);
    const record = from.find(path);
    return record !== undefined && want?.entry.type !== record.type;
  });
  if (only === null) return suspects.toSorted((a, b) => (a < b ? 1 : -1));
  // What lies below something that goes may be nobody's to ask for.
  const gone = suspects.filter((path) => from.find(path)?.type === 'dir');
  const below =
    gone.length === 0 ? [] : [...from.paths()].filter((path) => gone.some((dir) => path.startsWith(`${dir}/`)));
  return [...new Set([...suspects, ...below])].toSorted((a, b) => (a < b ? 1 : -1));
}

const checkEvery = 256;

class BringUp {
  readonly records = new Map<BytePath, KeptRecord | null>();
  readonly #place: KeptPlace;
  readonly #from: KeptTable;
  readonly #signal: AbortSignal;
  readonly #access: OpenAccess;
  /** Directories whose mode and time are set at the end: work below them moves the one and may need the other. */
  readonly #directories: Entry[] = [];
  readonly #sources = new Map<StoredLayer, OpenAccess>();
  #scratchNumber = 0;
  #steps = 0;

  constructor(place: KeptPlace, from: KeptTable, signal: AbortSignal) {
    this.#place = place;
    this.#from = from;
    this.#signal = signal;
    this.#access = new OpenAccess(place.tree, place.files);
  }

  /** Removes what stands where nothing, or another kind of thing, belongs. */
  removeUnlessWanted(path: BytePath, wanted: Wanted | null | undefined): void {
    const record = this.#from.find(path);
    if (record === undefined || record.type === wanted?.entry.type) return;
    this.#step();
    const { files, mayStay } = this.#place;
    const isDirectory = record.type === 'dir';
    if ((wanted ?? null) === null && mayStay?.(path, isDirectory) === true) return;
    try {
      this.#access.run(path, (file) => (isDirectory ? files.removeDir(file) : files.unlink(file)));
    } catch (error) {
      // It holds what may stay.
      if (errnoOf(error) === 'ENOTEMPTY' && mayStay !== null && (wanted ?? null) === null) return;
      if (!isMissing(error)) throw error;
    }
    this.records.set(path, null);
  }

  make(path: BytePath, { entry, layer }: Wanted): void {
    this.#step();
    const record = this.records.has(path) ? undefined : this.#from.find(path);
    switch (entry.type) {
      case 'dir':
        return this.#makeDirectory(entry, record);
      case 'symlink':
        return this.#makeSymlink(entry, layer, record);
      case 'file':
        return this.#makeFile(entry, layer, record);
    }
  }

  /** Directories last, deepest first. */
  finish(): void {
    const { files } = this.#place;
    for (const { path, mode, mtimeNs } of this.#directories.toReversed()) {
      this.#access.run(path, (file) => {
        files.setTime(file, mtimeNs);
        files.setMode(file, mode);
      });
      this.#note(path, null);
    }
  }

  close(): void {
    this.#access.restore();
    for (const source of this.#sources.values()) source.restore();
  }

  #makeDirectory(entry: Entry, record: KeptRecord | undefined): void {
    if (record?.type === 'dir') {
      const isOurs = this.#isOurs(this.#dirtyNow(entry.path, record));
      if (!isOurs) this.#takeBack(entry.path);
      if (record.mode !== entry.mode || !isOurs) this.#directories.push(entry);
      return;
    }
    this.#access.run(entry.path, (file) => this.#place.files.makeDir(file, 0o700));
    this.#directories.push(entry);
  }

  #makeSymlink(entry: Entry, layer: StoredLayer, record: KeptRecord | undefined): void {
    const { path } = entry;
    if (record?.type === 'symlink' && this.#digestAt(path, record) === entry.digest) {
      if (record.digest === null) this.#note(path, entry.digest);
      return;
    }
    const target = layer.read(path);
    this.#putInPlace(entry, (file) => this.#place.files.symlink(target, file));
  }

  #makeFile(entry: Entry, layer: StoredLayer, record: KeptRecord | undefined): void {
    const { files } = this.#place;
    const { path } = entry;
    const now = this.#dirtyNow(path, record);
    const known = now === undefined || record === undefined ? record : this.#knownOf(path, record, now);
    const isSame =
      known?.type === 'file' &&
      known.sizeBytes === entry.sizeBytes &&
      !this.#isSpoiled(path, now) &&
      this.#digestAt(path, known) === entry.digest;
    if (!isSame) {
      this.#putInPlace(entry, (file) => this.#copyFrom(layer, entry, file));
      return;
    }
    if (known.mode === entry.mode && hasTime(known, entry)) {
      if (known.digest === null) this.#note(path, entry.digest);
      return;
    }
    // With a time that we set, and in our table, somebody's edit would be taken for what was saved, for good.
    if (known.digest !== null && !isAsRecorded(this.#access.run(path, lookAt), known)) {
      this.#putInPlace(entry, (file) => this.#copyFrom(layer, entry, file));
      return;
    }
    this.#access.run(path, (file) => {
      files.setMode(file, entry.mode);
      files.setTime(file, entry.mtimeNs);
    });
    this.#note(path, entry.digest);
  }

  /** With its mode, which a copy takes from the layer's file, unless that one had to be opened for it. */
  #copyFrom(layer: StoredLayer, entry: Entry, to: FilePath): void {
    const { files } = this.#place;
    const place = placeOf(layer);
    if (place === undefined) {
      files.write(to, layer.read(entry.path));
      files.setMode(to, entry.mode);
      return;
    }
    try {
      if (place.image === null) this.#copyFromTree(layer, place.dir, { entry, to });
      else this.#copyFromImage(place.image, entry, to);
    } catch (error) {
      throw isMissing(error) ? damagedSource(entry) : error;
    }
  }

  #copyFromTree(
    layer: StoredLayer,
    dir: string,
    { entry, to }: { readonly entry: Entry; readonly to: FilePath },
  ): void {
    const { files } = this.#place;
    let source = this.#sources.get(layer);
    if (source === undefined) {
      source = new OpenAccess(layerPaths(dir).tree, files, (each) => layer.index.find(each)?.mode);
      this.#sources.set(layer, source);
    }
    source.run(entry.path, (file) => files.copy(file, to));
    if ((entry.mode & 0o400) === 0) files.setMode(to, entry.mode);
  }

  #copyFromImage(image: ImagePlaces, entry: Entry, to: FilePath): void {
    const { files } = this.#place;
    if (files.copyRange(image.file, image.rangeOf(entry), to) < entry.sizeBytes) throw damagedSource(entry);
    files.setMode(to, entry.mode);
  }

  /** Where something is, beside it first: whoever looks sees the old or the new one. */
  #putInPlace(entry: Entry, make: (file: FilePath) => void): void {
    const { files, scratch, farFutureAsNs } = this.#place;
    const { path } = entry;
    const put = (file: FilePath): void => {
      make(file);
      files.setTime(file, entry.mtimeNs === farFutureNs ? (farFutureAsNs ?? farFutureNs) : entry.mtimeNs);
    };
    if (this.records.get(path) === null || this.#from.find(path) === undefined) {
      this.#access.run(path, put);
    } else {
      const beside = `${scratch}/${(this.#scratchNumber += 1)}`;
      put(beside);
      this.#access.run(path, (file) => files.rename(beside, file));
    }
    this.#note(path, entry.digest);
  }

  /** Undefined for what nobody changed. */
  #dirtyNow(path: BytePath, record: KeptRecord | undefined): Stats | undefined {
    if (record === undefined || !this.#place.dirty.has(path)) return undefined;
    return this.#access.run(path, (file) => lstatSync(file));
  }

  /**
   * The record, unless somebody was at the file since, by another name: that moves its time of change, whatever else is put back. So does another
   * name that goes, perhaps by our own hand.
   */
  #knownOf(path: BytePath, record: KeptRecord, now: Stats): KeptRecord {
    const isAsRecorded = now.ino === record.inode && now.size === record.sizeBytes && now.ctimeMs === record.ctimeMs;
    return isAsRecorded ? record : { ...recordOf(now, this.#access.modeBefore(path)), digest: null };
  }

  /** A directory that a command gave away. */
  #takeBack(path: BytePath): void {
    const { files, owner } = this.#place;
    this.#access.run(path, (file) => {
      files.setOwner(file, owner);
      // What is made in it until its mode is set is not to have its group.
      files.setMode(file, 0o700);
    });
  }

  #isOurs(now: Stats | undefined): boolean {
    return now === undefined || isOwner(this.#place.owner, now);
  }

  #isSpoiled(path: BytePath, now: Stats | undefined): boolean {
    return now !== undefined && (now.nlink > 1 || this.#place.touched.has(path) || !this.#isOurs(now));
  }

  #digestAt(path: BytePath, { type, digest }: KeptRecord): Digest | null {
    if (digest !== null) return digest;
    try {
      if (type === 'file') return this.#access.run(path, digestFile).digest;
      return this.#access.run(path, (file) => digestOf(readlinkSync(file, 'buffer')));
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      return null;
    }
  }

  #note(path: BytePath, digest: Digest | null): void {
    const stat = this.#access.run(path, (file) => lstatSync(file));
    this.records.set(path, { ...recordOf(stat, this.#access.modeBefore(path)), digest });
  }

  #step(): void {
    if (++this.#steps % checkEvery === 0) throwIfAborted(this.#signal);
  }
}

function damagedSource({ path }: Entry): CachelaneError {
  return new CachelaneError('E_LAYER_CORRUPT', `${displayPath(path)} in a layer is not what was saved`);
}

const lookAt = (file: FilePath): Stats => lstatSync(file);

/** A record has a quarter of a microsecond's precision, and what was set on a file a microsecond's. */
function hasTime({ mtimeMs }: KeptRecord, { mtimeNs }: Entry): boolean {
  return Math.abs(mtimeMs - Number(mtimeNs) / 1e6) < 0.002;
}
