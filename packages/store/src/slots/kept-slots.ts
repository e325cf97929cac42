import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { createHash } from 'node:crypto';
import type { BytePath, Digest, KeptFor, MounterName, PinnedLink, RunId, SessionId } from '@cachelane/core';
import { isMissing, throwIfAborted } from '../files/file-errors.ts';
import { namesIn } from '../files/read-file.ts';
import type { StoreFiles } from '../files/store-files.ts';
import { unlinkIfThere } from '../files/tree-builder.ts';
import { isSqliteBusy, isSqliteUnopened } from '../sqlite/sqlite-errors.ts';
import { KeptTable } from './kept-table.ts';
import { clockMsAt, ensureDir, readIfThere, readJson, writeWhole } from './slot-files.ts';

/** Paths that runs changed in a kept directory since its last update. The next run must check them. */
export interface Dirty {
  readonly dirty: readonly BytePath[];
  /** The paths among them that are files from before. */
  readonly touched: readonly BytePath[];
}

/** The view that a kept directory was last updated to, whatever runs changed since. */
export interface ShownView {
  /** Top first. */
  readonly layers: readonly Digest[];
}

/** Paths of the view's small layers. If such a layer leaves the view, only its paths may differ. */
export type ShownPaths = Readonly<Record<string, readonly BytePath[]>>;

/** Runs that used a shared directory since its work was last saved. Each may have made the unsaved changes. */
export interface Unsaved {
  readonly runs: readonly RunId[];
  /** Whether a run that ended wants its work saved. Then the next run must not undo it. */
  readonly isWanted: boolean;
}

const nothingUnsaved: Unsaved = { runs: [], isWanted: false };

/** The base of unsaved work in a shared directory, and since when it is unsaved (by the file system's clock). */
export interface SharedBase {
  readonly links: readonly PinnedLink[];
  readonly sinceMs: number;
}

export interface SlotAccess {
  readonly files: StoreFiles;
  readonly bootId: string;
}

/**
 * A kept directory `tree/` with its notes. Complete notes describe it exactly only while `as-left.json` exists.
 * `table`: contents at the last check. `dirty.json`: paths that may differ from any view. `shown*.json`: the view
 * of the last update. `users/`: the runs that use it. `links/`: the symlinks to it. `base.json`, `unsaved.json`: a
 * shared directory's unsaved work.
 */
export class KeptSlot {
  readonly dir: string;
  /** Notes of an earlier boot do not count: unsynced data may be lost. */
  readonly bootId: string;
  readonly #files: StoreFiles;

  constructor(dir: string, { files, bootId }: SlotAccess) {
    this.dir = dir;
    this.bootId = bootId;
    this.#files = files;
  }

  /** Whether the directory is deleted after its run. */
  get isOnce(): boolean {
    return basename(dirname(this.dir)).startsWith(oncePrefix);
  }

  get tree(): string {
    return `${this.dir}/tree`;
  }

  get scratch(): string {
    return `${this.dir}/scratch`;
  }

  users(): readonly string[] {
    return this.#usersNow().map(({ user }) => user);
  }

  /** Returns the runs that use the directory. */
  runs(): readonly RunId[] {
    return this.#usersNow().map(({ run }) => run);
  }

  /** Users from before a reboot do not count. */
  #usersNow(): readonly { readonly user: string; readonly run: RunId }[] {
    return namesIn(`${this.dir}/users`).flatMap((user) => {
      const noted = readJson<SlotUser>(`${this.dir}/users/${user}`);
      // A note that is being written counts as a user.
      return noted !== null && noted.bootId !== this.bootId ? [] : [{ user, run: noted?.run ?? unknownRun }];
    });
  }

  make(): void {
    for (const dir of [this.dir, this.#note('users')]) ensureDir(this.#files, dir);
  }

  addUser(user: string, run: RunId): void {
    this.make();
    const noted: SlotUser = { run, bootId: this.bootId };
    this.#files.write(this.#note(`users/${user}`), Buffer.from(JSON.stringify(noted)));
  }

  removeUser(user: string): void {
    this.#forget(`users/${user}`);
  }

  /** Returns whether the table and the dirty paths are complete. Otherwise a check must start from the table. */
  isAsLeft(): boolean {
    return readJson<AsLeft>(this.#note('as-left.json'))?.bootId === this.bootId;
  }

  /** Call this last, so that the note exists only if the others do. */
  noteAsLeft(): void {
    const noted: AsLeft = { bootId: this.bootId };
    this.#write('as-left.json', JSON.stringify(noted));
  }

  /** Makes the next run check the whole directory. */
  forgetAsLeft(): void {
    this.#forget('as-left.json');
  }

  readDirty(): Dirty {
    return readJson<Dirty>(this.#note('dirty.json')) ?? { dirty: [], touched: [] };
  }

  /** Call this before writing the table: only this note tells that the contents differ from the saved layers. */
  addDirty(more: Dirty): void {
    const { dirty, touched } = this.readDirty();
    const all: Dirty = {
      dirty: [...new Set([...dirty, ...more.dirty])],
      touched: [...new Set([...touched, ...more.touched])],
    };
    if (all.dirty.length > dirty.length || all.touched.length > touched.length) {
      this.#write('dirty.json', JSON.stringify(all));
    }
  }

  /** Call this after writing the table of an updated directory. */
  forgetDirty(): void {
    this.#forget('dirty.json');
  }

  /** Returns null if it was never updated, or if an update was interrupted. */
  readShown(): ShownView | null {
    return readJson<ShownView>(this.#note('shown.json'));
  }

  readShownPaths(): ShownPaths {
    return readJson<ShownPaths>(this.#note('shown-paths.json')) ?? {};
  }

  writeShown(view: ShownView, paths: ShownPaths): void {
    this.#write('shown-paths.json', JSON.stringify(paths));
    this.#write('shown.json', JSON.stringify(view));
  }

  forgetShown(): void {
    this.#forget('shown.json');
  }

  /** Returns null if it was never updated, or if the table is damaged. */
  readTable(): KeptTable | null {
    try {
      return KeptTable.decode(readFileSync(this.#note('table')));
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  forgetTable(): void {
    this.#forget('table');
  }

  writeTable(table: KeptTable): void {
    this.#write('table', table.encode());
  }

  /** After a reboot, unsaved work does not count: it may never have reached the disk. */
  readUnsaved(): Unsaved {
    const noted = readJson<NotedUnsaved>(this.#note('unsaved.json'));
    return noted?.bootId === this.bootId ? noted : nothingUnsaved;
  }

  writeUnsaved({ runs, isWanted }: Unsaved): void {
    const noted: NotedUnsaved = { runs: [...new Set(runs)], isWanted, bootId: this.bootId };
    this.#write('unsaved.json', JSON.stringify(noted));
  }

  /** Returns null if nothing was recorded since the last update. */
  readBase(): SharedBase | null {
    return readJson<SharedBase>(this.#note('base.json'));
  }

  writeBase(base: SharedBase): void {
    this.#write('base.json', JSON.stringify(base));
  }

  /**
   * Waits until the file system's clock (ticks up to 10 ms) has passed all recorded changes, so that later ones get
   * other times. If the clock was set back, instead marks the changes in its future as unsure. Returns the
   * resulting table.
   */
  async passInstant(table: KeptTable, signal: AbortSignal): Promise<KeptTable> {
    const latestMs = table.latestChangeMs();
    for (let waitedMs = 0; ; waitedMs++) {
      const nowMs = this.clockMs();
      if (nowMs > latestMs) return table;
      if (waitedMs > longestTickMs) return table.unsureFrom(nowMs);
      throwIfAborted(signal);
      await wait(1);
    }
  }

  /** Returns the time that the file system would give a change now, in milliseconds. */
  clockMs(): number {
    return clockMsAt(this.#files, this.#note('clock'));
  }

  #note(name: string): string {
    return `${this.dir}/${name}`;
  }

  #write(name: string, content: string | Uint8Array): void {
    writeWhole(this.#files, this.#note(name), content);
  }

  #forget(name: string): void {
    unlinkIfThere(this.#files, this.#note(name));
  }
}

/** Longer than any clock tick. */
const longestTickMs = 100;

/** The slots of one volume and lane. */
export class KeptSlots {
  readonly dir: string;
  readonly #access: SlotAccess;

  constructor(keptDir: string, key: string, access: SlotAccess) {
    this.dir = join(keptDir, key);
    this.#access = access;
  }

  slot(number: number): KeptSlot {
    return new KeptSlot(`${this.dir}/${number}`, this.#access);
  }

  /** Records the volume and lane, which the directory's name does not show. */
  note({ volume, lane }: KeptFor): void {
    const noted = this.noted();
    // An unsaved volume is deleted with its last session. The next one with the same name has a new id.
    if (noted?.volume !== volume)
      writeWhole(this.#access.files, `${this.dir}/about.json`, JSON.stringify({ volume, lane }));
  }

  /** Returns null if nothing was recorded. */
  noted(): Pick<KeptFor, 'volume' | 'lane'> | null {
    return readJson<Pick<KeptFor, 'volume' | 'lane'>>(`${this.dir}/about.json`);
  }

  numbers(): readonly number[] {
    return namesIn(this.dir)
      .flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []))
      .toSorted((a, b) => a - b);
  }

  /** Locks the slots. An exclusive lock of SQLite is the only one in Node that the kernel frees when a process dies. */
  async guard(signal: AbortSignal): Promise<Guard> {
    for (let unopened = 0; ;) {
      throwIfAborted(signal);
      mkdirSync(this.dir, { recursive: true, mode: 0o700 });
      try {
        const guard = this.#tryGuard();
        if (guard !== null) return guard;
      } catch (error) {
        // The directory was deleted in between, and perhaps recreated. Repeated failures have another cause.
        if (!isSqliteUnopened(error) || (unopened += 1) > unopenedMost) throw error;
      }
      await wait(guardPollMs);
    }
  }

  /** Returns null if another process holds the lock, or deleted the directory. */
  #tryGuard(): Guard | null {
    let connection: DatabaseSync | undefined;
    try {
      connection = new DatabaseSync(`${this.dir}/guard`, { timeout: 0 });
      connection.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
      if (connection.prepare('PRAGMA user_version').get()?.['user_version'] === 0) return holding(connection);
      connection.close();
      return null;
    } catch (error) {
      if (connection?.isOpen === true) connection.close();
      if (isSqliteBusy(error) || !existsSync(this.dir)) return null;
      throw error;
    }
  }
}

export interface Guard extends Disposable {
  /** Call this after setting the directory aside: waiting processes then use the lock of the new one. */
  retire(): void;
}

function holding(connection: DatabaseSync): Guard {
  return {
    retire: () => connection.exec('PRAGMA user_version = 1; COMMIT'),
    [Symbol.dispose]: () => void (connection.isOpen && connection.close()),
  };
}

const guardPollMs = 20;
const unopenedMost = 50;

const oncePrefix = 'once-';

/** Returns the key for a run whose directory is not kept. */
export function onceKey(user: string): string {
  return `${oncePrefix}${user}`;
}

/** Returns the key for a lane. Each user has separate slots, because users cannot change each other's files. */
export function slotsKey(mounter: MounterName, { key, lane }: KeptFor): string {
  const owner = process.geteuid?.() ?? 0;
  const hash = createHash('sha256')
    .update(JSON.stringify([key, lane, owner]))
    .digest('hex');
  return `${mounter}-${hash.slice(0, 24)}`;
}

interface SlotUser {
  readonly run: RunId;
  readonly bootId: string;
}

const unknownRun = 'unknown' as RunId;

interface AsLeft {
  readonly bootId: string;
}

interface NotedUnsaved extends Unsaved {
  readonly bootId: string;
}

/** Notes which slots a session uses: `sessions/<session>.<ordinal>` contains the slot's directory. */
export class SlotUses {
  readonly #dir: string;
  readonly #access: SlotAccess;

  constructor(keptDir: string, access: SlotAccess) {
    this.#dir = `${keptDir}/sessions`;
    this.#access = access;
  }

  /** Writes the note before adding the user: if the process dies in between, the note is harmless. */
  add(slot: KeptSlot, user: string, run: RunId): void {
    const { files } = this.#access;
    ensureDir(files, this.#dir);
    files.write(`${this.#dir}/${user}`, Buffer.from(slot.dir));
    slot.addUser(user, run);
  }

  /** Removes the user before the note. */
  remove(slot: KeptSlot, user: string): void {
    slot.removeUser(user);
    unlinkIfThere(this.#access.files, `${this.#dir}/${user}`);
  }

  sessions(): readonly SessionId[] {
    return [...new Set(namesIn(this.#dir).map((user) => user.slice(0, user.lastIndexOf('.')) as SessionId))];
  }

  of(session: SessionId): readonly { readonly slot: KeptSlot; readonly user: string }[] {
    return namesIn(this.#dir)
      .filter((name) => name.startsWith(`${session}.`))
      .flatMap((user) => {
        const dir = readIfThere(`${this.#dir}/${user}`);
        return dir === null ? [] : [{ slot: new KeptSlot(dir, this.#access), user }];
      });
  }
}
