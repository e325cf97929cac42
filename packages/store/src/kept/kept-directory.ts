import { existsSync, lstatSync } from 'node:fs';
import {
  isCachelaneError,
  type BytePath,
  type ChangeSet,
  type Digest,
  type StoredLayer,
  type UsedFile,
} from '@cachelane/core';
import { errnoOf } from '../files/file-errors.ts';
import { OpenAccess } from '../files/open-access.ts';
import { toChangeSet } from '../layers/change-set.ts';
import { bringUp } from '../filling/bring-up.ts';
import type { FillOptions } from '../filling/file-makers.ts';
import { forgetReads } from '../slots/forget-reads.ts';
import { discardKept, type KeptDiscard } from './kept-garbage.ts';
import type { Dirty, KeptSlot, ShownView } from '../slots/kept-slots.ts';
import { emptyTable, type KeptRecord, type KeptTable } from '../slots/kept-table.ts';
import { isStillMade, makeTree, readMadeTree, requireTree, type MadeTree } from '../slots/kept-tree.ts';
import type { ReadsSince } from '../slots/reads-since.ts';
import { scanKept, type KeptScan } from '../slots/scan-kept.ts';
import { pathsOfSmallLayers, viewDifference } from '../slots/view-difference.ts';

export interface KeptContext extends KeptDiscard {
  readonly ignoresChangeTime: boolean;
  /** Mode of the directory itself. */
  readonly rootMode: number;
  /** Tells which paths may stay although the view does not have them. Null: none. */
  readonly mayStay: ((path: BytePath, isDirectory: boolean) => boolean) | null;
  /** The time for files whose own time is far in the future. Null: their own time. */
  readonly farFutureAsNs: bigint | null;
  /** Options for parallel work. */
  readonly fill: FillOptions;
}

/** A kept directory that a run holds, and its contents when the run began. */
export interface HeldDirectory {
  readonly slot: KeptSlot;
  readonly table: KeptTable;
}

/**
 * Brings the slot's directory up to date with a view. No other run may use it. Afterwards the directory shows the
 * view, whatever the last run left. Skips checks that the slot's state makes unnecessary. Contents that we can
 * neither read nor repair are set aside, and the directory is rebuilt.
 */
export async function bringUpSlot(
  context: KeptContext,
  slot: KeptSlot,
  view: readonly StoredLayer[],
  signal: AbortSignal,
): Promise<HeldDirectory> {
  const isAsLeft = slot.isAsLeft();
  slot.forgetAsLeft();
  try {
    const known = knownContents(context, slot, { isAsLeft }, signal);
    if (known !== null) return await bringUpFrom(context, { slot, known, view }, signal);
  } catch (error) {
    if (!isOfContents(error)) throw error;
  }
  const known = startAnew(context, slot);
  try {
    return await bringUpFrom(context, { slot, known, view }, signal);
  } catch (error) {
    // Half a copy takes space and is of no use.
    if (slot.readTable() === null) discardKept(context, slot.tree);
    throw error;
  }
}

/** Returns whether the error comes from the contents of a directory, so that another directory may work. */
export function isOfContents(error: unknown): boolean {
  const code = errnoOf(error);
  return code === undefined ? isCachelaneError(error, 'E_LAYER_REFUSED') : !ofTheMachine.has(code);
}

const ofTheMachine = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EMFILE', 'ENFILE', 'ENOMEM', 'EINTR']);

interface BringUpTask {
  readonly slot: KeptSlot;
  readonly known: KnownContents;
  readonly view: readonly StoredLayer[];
}

async function bringUpFrom(
  context: KeptContext,
  { slot, known, view }: BringUpTask,
  signal: AbortSignal,
): Promise<HeldDirectory> {
  const { files, mayStay, ignoresChangeTime, farFutureAsNs, fill } = context;
  const { made, noted, table: from, dirty, touched, shown } = known;
  const different = viewDifference({ shown, shownPaths: () => slot.readShownPaths(), view, table: from });
  let table = from;
  if (different === null || different.length + dirty.length > 0) {
    slot.forgetShown();
    if (existsSync(slot.scratch)) discardKept(context, slot.scratch);
    files.makeDir(slot.scratch, 0o700);
    const place = {
      files,
      tree: slot.tree,
      scratch: slot.scratch,
      mayStay,
      farFutureAsNs,
      fill,
      owner: made.owner,
      dirty: new Set(ignoresChangeTime ? [] : dirty),
      touched: new Set(touched),
    };
    // Paths that the view now shows differently were saved by a run.
    for (const path of different ?? []) place.touched.delete(path);
    table = await bringUp(place, from, view, different === null ? null : [...dirty, ...different], signal);
  }
  table = await slot.passInstant(table, signal);
  if (table !== noted) slot.writeTable(table);
  const layers = view.map(({ key }) => key);
  if (slot.readShown() === null || different === null || different.length > 0) {
    slot.writeShown({ layers }, pathsOfSmallLayers(view, slot.readShownPaths()));
  }
  if (dirty.length > 0) slot.forgetDirty();
  return { slot, table };
}

/** Continues in a directory with unsaved work. Without its table, everything there may be unsaved work. */
export function takeUpSlot(slot: KeptSlot): HeldDirectory {
  return { slot, table: slot.readTable() ?? emptyTable };
}

export interface HeldChanges {
  readonly changes: ChangeSet;
  /** See `CollectedChanges`. */
  readonly used: readonly UsedFile[] | null;
  /** Records the result. `isFinal`: nothing can have changed since, so the next run need not check. */
  close(how: { readonly isFinal: boolean }): void;
}

/** Finds what a run changed in its directory. */
export function collectHeld(
  context: KeptContext,
  { slot, table, readsSince }: HeldDirectory & { readonly readsSince: ReadsSince },
  signal: AbortSignal,
): HeldChanges {
  const { records, dirty, touched, changes, used } = lookAround(context, slot, { table, readsSince }, signal);
  const plain = toChangeSet({ upper: slot.tree, files: context.files, movable: false }, changes);
  const noted = noteDigests(plain);
  return {
    changes: noted.changes,
    used: readsSince === null ? null : used,
    close({ isFinal }) {
      slot.addDirty({ dirty, touched });
      const known = withDigests(records, noted.digests);
      const isNoted = readsSince !== null && !context.ignoresChangeTime;
      const paths = isNoted ? [...used.map(({ path }) => path), ...dirty] : [];
      const all = forgetReads({ files: context.files, tree: slot.tree, table, records: known, paths });
      if (all.size > 0) slot.writeTable(table.with(all));
      if (isFinal) slot.noteAsLeft();
    },
  };
}

/** Wraps a change set and remembers the digests that its reader computes. */
export function noteDigests(changes: ChangeSet): NotedChanges {
  const digests = new Map<BytePath, Digest>();
  const digest = (path: BytePath): Digest => {
    const found = changes.digest(path);
    digests.set(path, found);
    return found;
  };
  return { changes: { ...changes, digest }, digests };
}

interface NotedChanges {
  readonly changes: ChangeSet;
  readonly digests: ReadonlyMap<BytePath, Digest>;
}

export function withDigests(
  records: KeptScan['records'],
  digests: ReadonlyMap<BytePath, Digest>,
): ReadonlyMap<BytePath, KeptRecord | null> {
  return new Map(
    Array.from(records, ([path, record]) => [
      path,
      record === null ? null : { ...record, digest: digests.get(path) ?? null },
    ]),
  );
}

/** Returns the differences from the table. Errors: those of {@link requireTree}. */
export function lookAround(
  context: KeptContext,
  slot: KeptSlot,
  { table, readsSince }: { readonly table: KeptTable; readonly readsSince: ReadsSince },
  signal: AbortSignal,
): KeptScan {
  const { files, ignoresChangeTime } = context;
  const isRemade = requireTree(slot) === 'remade';
  const access = new OpenAccess(slot.tree, files);
  const owner = ignoresChangeTime ? null : (readMadeTree(slot)?.owner ?? null);
  try {
    return scanKept(access, table, { ignoresChangeTime, owner, isRemade, readsSince }, signal);
  } finally {
    access.restore();
  }
}

/** Contents of a slot's directory before it is updated. */
interface KnownContents extends Dirty {
  readonly made: MadeTree;
  readonly table: KeptTable;
  /** The recorded table, if any. */
  readonly noted: KeptTable | null;
  readonly shown: ShownView | null;
}

/** Returns null if the contents are unknown. */
function knownContents(
  context: KeptContext,
  slot: KeptSlot,
  { isAsLeft }: { readonly isAsLeft: boolean },
  signal: AbortSignal,
): KnownContents | null {
  const made = readMadeTree(slot);
  if (made === null || !isStillMade(slot, made)) return null;
  openRoot(context, slot);
  const noted = slot.readTable();
  if (noted === null) return null;
  const shown = slot.readShown();
  const { dirty, touched } = slot.readDirty();
  if (isAsLeft) return { made, table: noted, noted, dirty, touched, shown };
  const looked = lookAround(context, slot, { table: noted, readsSince: null }, signal);
  return {
    made,
    table: noted.with(looked.records),
    noted,
    dirty: [...dirty, ...looked.dirty],
    touched: [...touched, ...looked.touched],
    shown,
  };
}

/** Restores the root's mode, which the table does not contain and a run may have changed. */
function openRoot({ files, rootMode }: KeptContext, slot: KeptSlot): void {
  if ((lstatSync(slot.tree).mode & 0o7777) !== rootMode) files.setMode(slot.tree, rootMode);
}

/** Sets aside whatever is at the directory's place, without following a symlink. */
function startAnew(context: KeptContext, slot: KeptSlot): KnownContents {
  const { files, rootMode } = context;
  if (lstatSync(slot.tree, { throwIfNoEntry: false }) !== undefined) discardKept(context, slot.tree);
  slot.forgetTable();
  slot.forgetDirty();
  const made = makeTree(files, slot, rootMode);
  return { made, table: emptyTable, noted: null, dirty: [], touched: [], shown: null };
}
