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
  /** Of the directory itself. */
  readonly rootMode: number;
  /** What may lie there though no view has it; null: nothing. */
  readonly mayStay: ((path: BytePath, isDirectory: boolean) => boolean) | null;
  /** The time that files get whose own lies far in the future; null: their own. */
  readonly farFutureAsNs: bigint | null;
  /** Who helps to fill it. */
  readonly fill: FillOptions;
}

/** A kept directory in the hands of a run, and what it held when the run began. */
export interface HeldDirectory {
  readonly slot: KeptSlot;
  readonly table: KeptTable;
}

/**
 * Brings the slot's directory up to date with a view. Nobody else uses it. Whatever became of the last run, the directory shows
 * the view afterwards; a second look at what is already right is spared where the slot's state allows. Where the last run left something in it
 * that we can neither look at nor put right, the next ones must not suffer for it: it is put aside, and made anew.
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
    // Half a copy takes room, and is of no use to anybody.
    if (slot.readTable() === null) discardKept(context, slot.tree);
    throw error;
  }
}

/** Whether it comes of what is in a directory, or stands in its place, so that another one may do. */
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
    // What the view shows otherwise now is what a run saved of them.
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

/** Goes on in a directory with work that nobody saved yet. Where its table was lost, all that is there may be that. */
export function takeUpSlot(slot: KeptSlot): HeldDirectory {
  return { slot, table: slot.readTable() ?? emptyTable };
}

export interface HeldChanges {
  readonly changes: ChangeSet;
  /** See `CollectedChanges`. */
  readonly used: readonly UsedFile[] | null;
  /** Notes what was found. `isFinal`: nobody can have changed anything since, so that the next run need not look. */
  close(how: { readonly isFinal: boolean }): void;
}

/** Finds what a run did to its directory. */
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

/** The same changes; what their reader finds out about contents need not be found out again. */
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

/** What differs from the table. Throws what {@link requireTree} does. */
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

/** What is in a slot's directory before it is brought up. */
interface KnownContents extends Dirty {
  readonly made: MadeTree;
  readonly table: KeptTable;
  /** The table as it is noted, if it is. */
  readonly noted: KeptTable | null;
  readonly shown: ShownView | null;
}

/** Null where that cannot be told. */
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

/** The table does not hold the root: a run may have shut it, for the next one too. */
function openRoot({ files, rootMode }: KeptContext, slot: KeptSlot): void {
  if ((lstatSync(slot.tree).mode & 0o7777) !== rootMode) files.setMode(slot.tree, rootMode);
}

/** Whatever stands at its place is put aside as it is; where that is a symlink, what it leads to is not looked at. */
function startAnew(context: KeptContext, slot: KeptSlot): KnownContents {
  const { files, rootMode } = context;
  if (lstatSync(slot.tree, { throwIfNoEntry: false }) !== undefined) discardKept(context, slot.tree);
  slot.forgetTable();
  slot.forgetDirty();
  const made = makeTree(files, slot, rootMode);
  return { made, table: emptyTable, noted: null, dirty: [], touched: [], shown: null };
}
