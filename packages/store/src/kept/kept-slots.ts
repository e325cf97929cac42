import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { createHash } from 'node:crypto';
import type { BytePath, Digest, LaneName, MounterName, PinnedLink, RunId, SessionId, VolumeId } from '@cachelane/core';
import { isMissing, throwIfAborted } from '../layers/file-errors.ts';
import { namesIn } from '../layers/read-file.ts';
import { isSqliteBusy } from '../metadata/sqlite-errors.ts';
import { emptyTable, KeptTable } from './kept-table.ts';

/** What is known of a kept directory while nobody uses it. */
export interface KeptState {
  /** Paths that a run changed since it was brought up: whatever the next view says of them, they have to be looked at. */
  readonly dirty: readonly string[];
  /** After another boot nothing here is believed: it may never have reached the disk. */
  readonly bootId: string;
}

/** The view that a kept directory was brought up to, whatever a run did to it since. */
export interface ShownView {
  /** Top first. */
  readonly layers: readonly Digest[];
}

/** Paths of the small layers of that view: when one of them leaves the view, these are what may differ. */
export type ShownPaths = Readonly<Record<string, readonly BytePath[]>>;

/** Runs that left a shared directory with work in it that nobody saved yet. */
export interface Unsaved {
  readonly runs: readonly RunId[];
}

/** What the work in a shared directory is changes to, and since when it was not saved (milliseconds, of the file system's clock). */
export interface SharedBase {
  readonly links: readonly PinnedLink[];
  readonly sinceMs: number;
}

/**
 * One kept directory with what belongs to it:
 * `tree/` the directory itself, `table` what it held, `state.json` present only while that is so and nobody uses it,
 * `users/<session>.<ordinal>` one file for each run that uses it, with the run's id, `base.json`, `unsaved.json`, `scratch/`.
 */
export class KeptSlot {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
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
    return namesIn(`${this.dir}/users`);
  }

  make(): void {
    mkdirSync(`${this.dir}/users`, { recursive: true, mode: 0o700 });
  }

  addUser(user: string, run: RunId): void {
    this.make();
    writeFileSync(`${this.dir}/users/${user}`, run, { flag: 'wx' });
  }

  /** Of those that use it. */
  runs(): readonly RunId[] {
    return this.users().map((user) => readFileSync(`${this.dir}/users/${user}`, 'utf8') as RunId);
  }

  removeUser(user: string): void {
    rmSync(`${this.dir}/users/${user}`, { force: true });
  }

  /** Null where it is not known what is in the directory; the table is then where a look has to start from. */
  readState(bootId: string): KeptState | null {
    const state = readJson<KeptState>(`${this.dir}/state.json`);
    return state?.bootId === bootId ? state : null;
  }

  /** Written last, so that a state is never there without its table. */
  writeState(state: KeptState): void {
    writeWhole(`${this.dir}/state.json`, JSON.stringify(state));
  }

  /** From here on, whoever finds the slot has to look for himself. */
  forgetState(): void {
    rmSync(`${this.dir}/state.json`, { force: true });
  }

  /** Null where it was never brought up, or somebody died at it. */
  readShown(): ShownView | null {
    return readJson<ShownView>(`${this.dir}/shown.json`);
  }

  readShownPaths(): ShownPaths {
    return readJson<ShownPaths>(`${this.dir}/shown-paths.json`) ?? {};
  }

  writeShown(view: ShownView, paths: ShownPaths): void {
    writeWhole(`${this.dir}/shown-paths.json`, JSON.stringify(paths));
    writeWhole(`${this.dir}/shown.json`, JSON.stringify(view));
  }

  forgetShown(): void {
    rmSync(`${this.dir}/shown.json`, { force: true });
  }

  readTable(): KeptTable {
    try {
      return KeptTable.decode(readFileSync(`${this.dir}/table`));
    } catch (error) {
      if (isMissing(error)) return emptyTable;
      throw error;
    }
  }

  forgetTable(): void {
    rmSync(`${this.dir}/table`, { force: true });
  }

  writeTable(table: KeptTable): void {
    writeWhole(`${this.dir}/table`, table.encode());
  }

  readUnsaved(): Unsaved {
    return readJson<Unsaved>(`${this.dir}/unsaved.json`) ?? { runs: [] };
  }

  writeUnsaved(unsaved: Unsaved): void {
    if (unsaved.runs.length === 0) rmSync(`${this.dir}/unsaved.json`, { force: true });
    else writeWhole(`${this.dir}/unsaved.json`, JSON.stringify(unsaved));
  }

  /** Null where nothing was noted since it was brought up. */
  readBase(): SharedBase | null {
    return readJson<SharedBase>(`${this.dir}/base.json`);
  }

  writeBase(base: SharedBase): void {
    writeWhole(`${this.dir}/base.json`, JSON.stringify(base));
  }

  /**
   * Waits until the clock of the file system is past every change so far: what is changed from now on has another time than
   * what the table says, however soon. A tick is at most 10 ms.
   */
  async passInstant(table: KeptTable, signal: AbortSignal): Promise<void> {
    const latestMs = table.latestChangeMs();
    while (this.clockMs() <= latestMs) {
      throwIfAborted(signal);
      await wait(1);
    }
  }

  /** The time that the file system would give a change now, milliseconds. */
  clockMs(): number {
    const probe = `${this.dir}/clock`;
    writeFileSync(probe, '');
    return statSync(probe).ctimeMs;
  }
}

/** Slots of one volume and lane. */
export class KeptSlots {
  readonly dir: string;

  constructor(keptDir: string, key: string) {
    this.dir = join(keptDir, key);
  }

  slot(number: number): KeptSlot {
    return new KeptSlot(`${this.dir}/${number}`);
  }

  /** Whose they are, for whoever finds only the directory. */
  note(kept: KeptFor): void {
    const file = `${this.dir}/about.json`;
    if (!existsSync(file)) writeWhole(file, JSON.stringify(kept));
  }

  /** Null where it was never noted. */
  noted(): KeptFor | null {
    return readJson<KeptFor>(`${this.dir}/about.json`);
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
  async guard(signal: AbortSignal): Promise<Disposable> {
    mkdirSync(this.dir, { recursive: true, mode: 0o700 });
    for (;;) {
      throwIfAborted(signal);
      const connection = new DatabaseSync(`${this.dir}/guard`, { timeout: 0 });
      try {
        connection.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
        return { [Symbol.dispose]: () => void (connection.isOpen && connection.close()) };
      } catch (error) {
        connection.close();
        if (!isSqliteBusy(error)) throw error;
      }
      await wait(guardPollMs);
    }
  }
}

const guardPollMs = 20;

const oncePrefix = 'once-';

/** For a run of which nothing is kept. */
export function onceKey(user: string): string {
  return `${oncePrefix}${user}`;
}

export interface KeptFor {
  readonly volume: VolumeId;
  readonly lane: LaneName;
}

/** Files of another user may not be ours to change, so each user has slots of their own. */
export function slotsKey(mounter: MounterName, { volume, lane }: KeptFor): string {
  const owner = process.geteuid?.() ?? 0;
  const hash = createHash('sha256')
    .update(JSON.stringify([volume, lane, owner]))
    .digest('hex');
  return `${mounter}-${hash.slice(0, 24)}`;
}

/** Which slots runs use, so that they are found when a session is dead: `sessions/<session>.<ordinal>` holds the slot's directory. */
export class SlotUses {
  readonly #dir: string;

  constructor(keptDir: string) {
    this.#dir = `${keptDir}/sessions`;
  }

  /** Before the slot has the user: a kill in between leaves a note that leads to nothing. */
  add(slot: KeptSlot, user: string, run: RunId): void {
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    writeFileSync(`${this.#dir}/${user}`, slot.dir);
    slot.addUser(user, run);
  }

  /** After the slot has lost the user. */
  remove(slot: KeptSlot, user: string): void {
    slot.removeUser(user);
    rmSync(`${this.#dir}/${user}`, { force: true });
  }

  of(session: SessionId): readonly { readonly slot: KeptSlot; readonly user: string }[] {
    return namesIn(this.#dir)
      .filter((name) => name.startsWith(`${session}.`))
      .map((user) => ({ slot: new KeptSlot(readFileSync(`${this.#dir}/${user}`, 'utf8')), user }));
  }
}

function readJson<T>(file: string): T | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch (error) {
    // A half-written one says as little as none.
    if (isMissing(error) || error instanceof SyntaxError) return null;
    throw error;
  }
}

function writeWhole(file: string, content: string | Uint8Array): void {
  const beside = `${file}.new`;
  writeFileSync(beside, content, { mode: 0o600 });
  renameSync(beside, file);
}
