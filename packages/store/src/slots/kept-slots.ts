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

/**
 * What runs changed in a kept directory since it was brought up: whatever the next view says of it, it has to be looked at. The table may know
 * it already, and say nothing of whether it was saved.
 */
export interface Dirty {
  readonly dirty: readonly BytePath[];
  /** Those of them that are files from before. */
  readonly touched: readonly BytePath[];
}

/** The view that a kept directory was brought up to, whatever a run did to it since. */
export interface ShownView {
  /** Top first. */
  readonly layers: readonly Digest[];
}

/** Paths of the small layers of that view: when one of them leaves the view, these are what may differ. */
export type ShownPaths = Readonly<Record<string, readonly BytePath[]>>;

/** Runs that worked in a shared directory since its work was saved last: each may have made what is found there. */
export interface Unsaved {
  readonly runs: readonly RunId[];
  /** Whether one of them has left and wants its work saved: then it is not undone, whoever comes next. */
  readonly isWanted: boolean;
}

const nothingUnsaved: Unsaved = { runs: [], isWanted: false };

/**
 * What the work in a shared directory is changes to, and since when it was not saved (milliseconds, of the file
 * system's clock).
 */
export interface SharedBase {
  readonly links: readonly PinnedLink[];
  readonly sinceMs: number;
}

export interface SlotAccess {
  readonly files: StoreFiles;
  readonly bootId: string;
}

/**
 * One kept directory with what belongs to it: `tree/` the directory itself, `tree.json` which one that is; `table` what it held when somebody
 * looked last, `dirty.json` which of that no view is known to show, `as-left.json` present only while nothing but that is in the
 * directory; `shown.json` and `shown-paths.json` the view that it was brought up to; `users/<session>.<ordinal>` one file for each run that uses it,
 * with the run's id; `links/` a note for each symlink that leads here; `base.json` and `unsaved.json` in a shared directory; `clock` and `scratch/` for
 * the moment.
 */
export class KeptSlot {
  readonly dir: string;
  /** After another boot nothing that is noted is believed: what was not written to the disk is not what it says. */
  readonly bootId: string;
  readonly #files: StoreFiles;

  constructor(dir: string, { files, bootId }: SlotAccess) {
    this.dir = dir;
    this.bootId = bootId;
    this.#files = files;
  }

  /** Whether nothing of it outlives its run. */
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

  /** Of those that use it. */
  runs(): readonly RunId[] {
    return this.#usersNow().map(({ run }) => run);
  }

  /** Whoever used it before the machine went down does so no more. */
  #usersNow(): readonly { readonly user: string; readonly run: RunId }[] {
    return namesIn(`${this.dir}/users`).flatMap((user) => {
      const noted = readJson<SlotUser>(`${this.dir}/users/${user}`);
      // One that is being written is there.
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

  /**
   * Whether the table, with what is dirty, says what is in the directory; else it is where a look has to start from.
   */
  isAsLeft(): boolean {
    return readJson<AsLeft>(this.#note('as-left.json'))?.bootId === this.bootId;
  }

  /** Last, so that it is never there without the others. */
  noteAsLeft(): void {
    const noted: AsLeft = { bootId: this.bootId };
    this.#write('as-left.json', JSON.stringify(noted));
  }

  /** From here on, whoever finds the slot has to look for himself. */
  forgetAsLeft(): void {
    this.#forget('as-left.json');
  }

  readDirty(): Dirty {
    return readJson<Dirty>(this.#note('dirty.json')) ?? { dirty: [], touched: [] };
  }

  /** Before a table that tells of it: what is there is not what was saved, and nothing else would say so. */
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

  /** After the table of a directory that was brought up. */
  forgetDirty(): void {
    this.#forget('dirty.json');
  }

  /** Null where it was never brought up, or somebody died at it. */
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

  /** Null where it was never brought up, or the table is not whole. */
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

  /** What was not saved when the machine went down may never have reached the disk. */
  readUnsaved(): Unsaved {
    const noted = readJson<NotedUnsaved>(this.#note('unsaved.json'));
    return noted?.bootId === this.bootId ? noted : nothingUnsaved;
  }

  writeUnsaved({ runs, isWanted }: Unsaved): void {
    const noted: NotedUnsaved = { runs: [...new Set(runs)], isWanted, bootId: this.bootId };
    this.#write('unsaved.json', JSON.stringify(noted));
  }

  /** Null where nothing was noted since it was brought up. */
  readBase(): SharedBase | null {
    return readJson<SharedBase>(this.#note('base.json'));
  }

  writeBase(base: SharedBase): void {
    this.#write('base.json', JSON.stringify(base));
  }

  /**
   * Waits until the clock of the file system is past every change so far: what is changed from now on has another time than
   * what the table says, however soon. A tick is at most 10 ms. Where somebody put the clock back, nobody waits for it to get there again: what
   * was changed later than now is unsure from then on, and looked at each time. Returns the table that says so.
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

  /** The time that the file system would give a change now, milliseconds. */
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

/** Long enough for any tick. */
const longestTickMs = 100;

/** Slots of one volume and lane. */
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

  /** Whose they are, for whoever finds only the directory. */
  note({ volume, lane }: KeptFor): void {
    const noted = this.noted();
    // A volume that was never saved goes with its last session; the next one of its name is another.
    if (noted?.volume !== volume)
      writeWhole(this.#access.files, `${this.dir}/about.json`, JSON.stringify({ volume, lane }));
  }

  /** Null where it was never noted. */
  noted(): Pick<KeptFor, 'volume' | 'lane'> | null {
    return readJson<Pick<KeptFor, 'volume' | 'lane'>>(`${this.dir}/about.json`);
  }

  numbers(): readonly number[] {
    return namesIn(this.dir)
      .flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []))
      .toSorted((a, b) => a - b);
  }

  /**
   * One process at a time decides who uses what. An exclusive lock of SQLite, the one thing in Node that the kernel frees when a
   * process dies.
   */
  async guard(signal: AbortSignal): Promise<Guard> {
    for (let unopened = 0; ;) {
      throwIfAborted(signal);
      mkdirSync(this.dir, { recursive: true, mode: 0o700 });
      try {
        const guard = this.#tryGuard();
        if (guard !== null) return guard;
      } catch (error) {
        // Taken away with its directory in between, and maybe made anew by now. Where that goes on, it is something else.
        if (!isSqliteUnopened(error) || (unopened += 1) > unopenedMost) throw error;
      }
      await wait(guardPollMs);
    }
  }

  /** Null where another process has it, or took it away with the directory that it lies in. */
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
  /** After the directory was put aside: whoever has waited for this guard is to take that of a new one. */
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

/** For a run of which nothing is kept. */
export function onceKey(user: string): string {
  return `${oncePrefix}${user}`;
}

/** Files of another user may not be ours to change, so each user has slots of their own. */
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

/**
 * Which slots runs use, so that they are found when a session is dead: `sessions/<session>.<ordinal>` holds the slot's
 * directory.
 */
export class SlotUses {
  readonly #dir: string;
  readonly #access: SlotAccess;

  constructor(keptDir: string, access: SlotAccess) {
    this.#dir = `${keptDir}/sessions`;
    this.#access = access;
  }

  /** Before the slot has the user: a kill in between leaves a note that leads to nothing. */
  add(slot: KeptSlot, user: string, run: RunId): void {
    const { files } = this.#access;
    ensureDir(files, this.#dir);
    files.write(`${this.#dir}/${user}`, Buffer.from(slot.dir));
    slot.addUser(user, run);
  }

  /** After the slot has lost the user. */
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
