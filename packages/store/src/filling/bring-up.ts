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
  /** Absolute path of the kept directory. */
  readonly tree: string;
  /** For files that move into or out of it. On the same mount. The slot's owner empties it. */
  readonly scratch: string;
  /**
   * Paths that runs changed since the last update. They are checked again, because other programs may have edited a
   * file through another name. Such a file gets its own inode, which protects it from its other names.
   */
  readonly dirty: ReadonlySet<BytePath>;
  /** Dirty files from before that the view has unchanged. They are recreated, because not every change is visible. */
  readonly touched: ReadonlySet<BytePath>;
  /** Owner of files that we create there. */
  readonly owner: Owner;
  /** Tells which paths may stay although the view does not have them. Null: none. */
  readonly mayStay: ((path: BytePath, isDirectory: boolean) => boolean) | null;
  /** See `KeptContext`. */
  readonly farFutureAsNs: bigint | null;
  /** Options for parallel work. */
  readonly fill: FillOptions;
}

/**
 * Updates a kept directory to show the view. Changes only what differs, and replaces each file in one step, so that
 * a file with links in many projects is never incomplete. `only`: paths that may differ, or null for all. Returns
 * the new table.
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

/** A file to create. */
interface FileTask {
  readonly entry: Entry;
  readonly layer: StoredLayer;
  readonly place: LayerPlace;
  /** Something else is at its path. */
  readonly replaces: boolean;
}

class BringUp {
  readonly records = new Map<BytePath, KeptRecord | null>();
  readonly #place: KeptPlace;
  readonly #from: KeptTable;
  readonly #signal: AbortSignal;
  readonly #access: OpenAccess;
  /** Directories whose mode and time are set last: work in them changes their time and needs permissions. */
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

  /** Removes what must not be at a path, or has the wrong type. */
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
      // It contains paths that may stay.
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

  /** Creates the files. Obstacles are gone, and all directories exist. */
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

  /** Sets attributes of directories, deepest first. */
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
    // Setting the time would hide a foreign edit forever.
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

  /** Keeps the place of its record in the table. */
  #makeLater(entry: Entry, layer: StoredLayer): void {
    const replaces = this.#replaces(entry.path);
    const place = placeOf(layer);
    if (place === undefined) return this.#putContent(entry, layer);
    this.#tasks.push({ entry, layer, place, replaces });
    this.records.set(entry.path, null);
  }

  /** Writes content from another kind of store. */
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

  /** Returns undefined for unchanged paths. */
  #dirtyNow(path: BytePath, record: KeptRecord | undefined): Stats | undefined {
    if (record === undefined || !this.#place.dirty.has(path)) return undefined;
    return this.#access.run(path, lookAt);
  }

  /**
   * Returns the record, without its digest if the file was changed through another name. That changes the change
   * time, even if the other times are restored. Deleting another name does so too, even if we did it.
   */
  #knownOf(path: BytePath, record: KeptRecord, now: Stats): KeptRecord {
    const isAsRecorded = now.ino === record.inode && now.size === record.sizeBytes && now.ctimeMs === record.ctimeMs;
    return isAsRecorded ? record : { ...recordOf(now, this.#access.modeBefore(path)), digest: null };
  }

  /** Takes back ownership of a directory. */
  #takeBack(path: BytePath): void {
    const { files, owner } = this.#place;
    this.#access.run(path, (file) => {
      files.setOwner(file, owner);
      // Until its mode is set, files created in it must not get its group.
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

  /** A previous file at the path may have been made accessible. */
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

/** Looked up each time: the image may be deleted during a run, after the layer was extracted. */
function sourceOf({ dir, image }: LayerPlace, entry: Entry): FileSource {
  if (image === null) return { kind: 'tree', tree: layerPaths(dir).tree };
  return { kind: 'image', file: image.file, at: image.rangeOf(entry).at };
}

/** A record is accurate to a quarter of a microsecond, and a set time to a microsecond. */
function hasTime({ mtimeMs }: KeptRecord, { mtimeNs }: Entry): boolean {
  return Math.abs(mtimeMs - Number(mtimeNs) / 1e6) < 0.002;
}
