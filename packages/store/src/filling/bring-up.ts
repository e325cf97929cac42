import { readlinkSync, type Stats } from 'node:fs';
import {
  digestOf,
  farFutureNs,
  LayerStack,
  type BytePath,
  type Digest,
  type Entry,
  type StoredLayer,
} from '@cachelane/core';
import { errnoOf, isMissing, throwIfAborted } from '../files/file-errors.ts';
import type { FilePath } from '../files/file-path.ts';
import { layerPaths } from '../files/home-paths.ts';
import { OpenAccess } from '../files/open-access.ts';
import { digestFile } from '../files/read-file.ts';
import { placeOf, type LayerPlace } from '../layers/stored-layer.ts';
import type { Owner, StoreFiles } from '../files/store-files.ts';
import { unlinkIfThere } from '../files/tree-builder.ts';
import type { FileOrder, FileSource, MadeFile, NewFile } from './file-messages.ts';
import type { FillOptions } from './file-makers.ts';
import { makeAll, type FileTasks } from './fill.ts';
import { isAsRecorded, type KeptRecord, type KeptTable } from '../slots/kept-table.ts';
import { isOwner } from '../slots/kept-tree.ts';
import { copyOut, lookAt, putInPlace } from './make-file.ts';
import { recordOf } from '../slots/scan-kept.ts';
import { allOf, pathsToLookAt, someOf, type Wanted } from './wanted-paths.ts';

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
  /**
   * Those of them that are files from before, of which the view shows what it showed: made anew, since not all that was
   * done to them can be seen.
   */
  readonly touched: ReadonlySet<BytePath>;
  /** Of what we make there. */
  readonly owner: Owner;
  /** What may lie there though no view has it; null: nothing. */
  readonly mayStay: ((path: BytePath, isDirectory: boolean) => boolean) | null;
  /** See `KeptContext`. */
  readonly farFutureAsNs: bigint | null;
  /** Who helps where there is much to make. */
  readonly fill: FillOptions;
}

/**
 * Makes a kept directory show what the view shows, by the difference: what is right already is not touched, and what takes the place
 * of something else does so in one step, so that a file that many projects link to never is half there. `only`: paths that
 * may differ; null for all. Returns the table of what is there then.
 */
export async function bringUp(
  place: KeptPlace,
  from: KeptTable,
  view: readonly StoredLayer[],
  only: Iterable<BytePath> | null,
  signal: AbortSignal,
): Promise<KeptTable> {
  const work = new BringUp(place, from, signal);
  const stack = new LayerStack(view);
  const wanted = only === null ? allOf(stack) : someOf(stack, only, from);
  try {
    for (const path of pathsToLookAt(from, wanted, only)) work.removeUnlessWanted(path, wanted.get(path));
    for (const [path, each] of wanted) if (each !== null) work.make(path, each);
    await work.makeFiles();
    work.finish();
  } finally {
    work.close();
  }
  return from.with(work.records);
}

const checkEvery = 256;

/** A file that is to be made. */
interface FileTask {
  readonly entry: Entry;
  readonly layer: StoredLayer;
  readonly place: LayerPlace;
  /** Something stands where it belongs. */
  readonly replaces: boolean;
}

class BringUp {
  readonly records = new Map<BytePath, KeptRecord | null>();
  readonly #place: KeptPlace;
  readonly #from: KeptTable;
  readonly #signal: AbortSignal;
  readonly #access: OpenAccess;
  /** Directories whose mode and time are set at the end: work below them moves the one and may need the other. */
  readonly #directories: Entry[] = [];
  readonly #tasks: FileTask[] = [];
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
    this.#access.forget(path);
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

  /** What stands in the way is gone, and each directory is there. */
  async makeFiles(): Promise<void> {
    const { files, fill, tree } = this.#place;
    const tasks = this.#tasks;
    const bytes = tasks.reduce((sum, { entry }) => sum + entry.sizeBytes, 0);
    const isMuch = tasks.length >= fill.worthwhileFiles || bytes >= fill.worthwhileBytes;
    await using makers = isMuch ? fill.start() : null;
    const how: FileTasks<FileTask> = {
      tree,
      tasks,
      batchFiles: fill.batchFiles,
      sizeOf: ({ entry }) => entry.sizeBytes,
      orderOf: (task) => this.#orderOf(task),
      note: ({ entry }, made) => this.#noteMade(entry, made),
      make: (task) => this.#makeNow(task),
      unmake: ({ path, beside }) => {
        if (beside === null) this.#access.run(path, (file) => unlinkIfThere(files, file));
      },
    };
    await makeAll(how, makers, this.#signal);
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
      this.#makeLater(entry, layer);
      return;
    }
    if (known.mode === entry.mode && hasTime(known, entry)) {
      if (known.digest === null) this.#note(path, entry.digest);
      return;
    }
    // With a time that we set, and in our table, somebody's edit would be taken for what was saved, for good.
    if (known.digest !== null && !isAsRecorded(this.#access.run(path, lookAt), known)) {
      this.#makeLater(entry, layer);
      return;
    }
    this.#access.run(path, (file) => {
      files.setMode(file, entry.mode);
      files.setTime(file, entry.mtimeNs);
    });
    this.#note(path, entry.digest);
  }

  /** Its record stands where it would had it been made already. */
  #makeLater(entry: Entry, layer: StoredLayer): void {
    const replaces = this.#replaces(entry.path);
    const place = placeOf(layer);
    if (place === undefined) return this.#putContent(entry, layer);
    this.#tasks.push({ entry, layer, place, replaces });
    this.records.set(entry.path, null);
  }

  /** Of another kind of store. */
  #putContent(entry: Entry, layer: StoredLayer): void {
    const { files } = this.#place;
    this.#putInPlace(entry, (file) => {
      files.write(file, layer.read(entry.path));
      files.setMode(file, entry.mode);
    });
  }

  #orderOf({ entry, place, replaces }: FileTask): FileOrder {
    const { mode, sizeBytes } = entry;
    return { ...this.#newFile(entry, replaces), mode, sizeBytes, from: sourceOf(place, entry) };
  }

  #makeNow(task: FileTask): void {
    const { files } = this.#place;
    const order = this.#orderOf(task);
    const make = copyOut(files, order, this.#sourceOf(task));
    const stat = putInPlace({ files, tree: this.#access }, order, make);
    this.#noteNew(order.path, stat, task.entry.digest);
  }

  #sourceOf({ layer, place }: FileTask): OpenAccess {
    let source = this.#sources.get(layer);
    if (source === undefined) {
      source = new OpenAccess(layerPaths(place.dir).tree, this.#place.files, (each) => layer.index.find(each)?.mode);
      this.#sources.set(layer, source);
    }
    return source;
  }

  #noteMade({ path, digest }: Entry, made: MadeFile): void {
    this.#access.forget(path);
    this.records.set(path, { ...made, digest });
  }

  #putInPlace(entry: Entry, make: (file: FilePath) => void): void {
    const { files } = this.#place;
    const stat = putInPlace({ files, tree: this.#access }, this.#newFile(entry, this.#replaces(entry.path)), make);
    this.#noteNew(entry.path, stat, entry.digest);
  }

  #replaces(path: BytePath): boolean {
    return this.records.get(path) !== null && this.#from.find(path) !== undefined;
  }

  #newFile({ path, mtimeNs: ownTimeNs }: Entry, replaces: boolean): NewFile {
    const { scratch, farFutureAsNs } = this.#place;
    const mtimeNs = ownTimeNs === farFutureNs ? (farFutureAsNs ?? farFutureNs) : ownTimeNs;
    return { path, mtimeNs, beside: replaces ? `${scratch}/${(this.#scratchNumber += 1)}` : null };
  }

  /** Undefined for what nobody changed. */
  #dirtyNow(path: BytePath, record: KeptRecord | undefined): Stats | undefined {
    if (record === undefined || !this.#place.dirty.has(path)) return undefined;
    return this.#access.run(path, lookAt);
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
    this.#noteStat(path, this.#access.run(path, lookAt), digest);
  }

  /** Whatever stood in its place may have been opened. */
  #noteNew(path: BytePath, stat: Stats, digest: Digest | null): void {
    this.#access.forget(path);
    this.#noteStat(path, stat, digest);
  }

  #noteStat(path: BytePath, stat: Stats, digest: Digest | null): void {
    this.records.set(path, { ...recordOf(stat, this.#access.modeBefore(path)), digest });
  }

  #step(): void {
    if (++this.#steps % checkEvery === 0) throwIfAborted(this.#signal);
  }
}

/** Looked up each time: an image may be gone while a run goes on, and the layer has a tree then. */
function sourceOf({ dir, image }: LayerPlace, entry: Entry): FileSource {
  if (image === null) return { kind: 'tree', tree: layerPaths(dir).tree };
  return { kind: 'image', file: image.file, at: image.rangeOf(entry).at };
}

/** A record has a quarter of a microsecond's precision, and what was set on a file a microsecond's. */
function hasTime({ mtimeMs }: KeptRecord, { mtimeNs }: Entry): boolean {
  return Math.abs(mtimeMs - Number(mtimeNs) / 1e6) < 0.002;
}
