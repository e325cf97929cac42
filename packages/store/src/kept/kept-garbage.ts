import { existsSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { KeptDirectory, MounterName, UsedDirectory } from '@cachelane/core';
import { errnoOf } from '../files/file-errors.ts';
import { namesIn } from '../files/read-file.ts';
import type { StoreFiles } from '../files/store-files.ts';
import type { Trash } from '../files/trash.ts';
import { takeBackLinks } from '../links/kept-links.ts';
import { placesOf } from '../links/kept-places.ts';
import { KeptSlots, type Guard, type SlotAccess, type SlotUses } from '../slots/kept-slots.ts';

/** Returns the kept directories that no run uses. */
export function listKept(kept: string, mounter: MounterName, access: SlotAccess): readonly KeptDirectory[] {
  return placesOf(kept).flatMap((place) =>
    namesIn(place)
      .filter((name) => name.startsWith(`${mounter}-`))
      .flatMap((name) => slotsIn(new KeptSlots(place, name, access))),
  );
}

function slotsIn(slots: KeptSlots): readonly KeptDirectory[] {
  const about = slots.noted();
  if (about === null) return [];
  return slots.numbers().flatMap((number) => {
    const slot = slots.slot(number);
    const usedAtMs = statSync(slot.dir, { throwIfNoEntry: false })?.mtimeMs;
    return slot.users().length > 0 || usedAtMs === undefined
      ? []
      : [{ ...about, dir: slot.dir, usedAtMs, hasUnsaved: slot.readUnsaved().isWanted }];
  });
}

/** Returns the directories that sessions use and that the lane's next run will reuse. */
export function listUsed(uses: SlotUses, mounter: MounterName, access: SlotAccess): readonly UsedDirectory[] {
  return uses.sessions().flatMap((session) =>
    uses.of(session).flatMap(({ slot: { dir }, user }) => {
      const slotsDir = dirname(dir);
      if (!basename(slotsDir).startsWith(`${mounter}-`)) return [];
      const slots = new KeptSlots(dirname(slotsDir), basename(slotsDir), access);
      const about = slots.noted();
      const isUsed = slots
        .slot(Number(basename(dir)))
        .users()
        .includes(user);
      return about === null || !isUsed ? [] : [{ session, ...about, dir }];
    }),
  );
}

/**
 * Moves a directory to the trash, or beside its place if the trash is on another file system. Frees its space in
 * the background.
 */
export function discardKept({ files, trash }: KeptDiscard, dir: string): void {
  try {
    trash().discard([dir]);
  } catch (error) {
    if (errnoOf(error) !== 'EXDEV') throw error;
    const gone = files.makeUniqueDir(`${dirname(dir)}/gone-`);
    files.rename(dir, `${gone}/${basename(dir)}`);
    files.start({ kind: 'remove', dir: gone });
  }
}

export interface KeptDiscard {
  readonly files: StoreFiles;
  readonly trash: () => Trash;
}

/**
 * Deletes kept directories, their lane's files after the last one, and directories that dead processes set aside or
 * began.
 */
export async function removeKept(
  { kept, ...access }: KeptDiscard & SlotAccess & { readonly kept: string },
  directories: readonly KeptDirectory[],
  signal: AbortSignal,
): Promise<void> {
  for (const { dir } of directories) {
    const slots = new KeptSlots(dirname(dirname(dir)), basename(dirname(dir)), access);
    using guard = await slots.guard(signal);
    const slot = slots.slot(Number(basename(dir)));
    // A run uses or has moved it, or another process deleted it.
    if (slot.users().length === 0 && existsSync(dir)) {
      takeBackLinks(access.files, slot.tree);
      discardKept(access, dir);
    }
    discardEmpty(access, slots, guard);
  }
  for (const place of placesOf(kept)) await removeBegun(access, place, signal);
  for (const dir of putAside(kept)) access.files.start({ kind: 'remove', dir });
}

function isBegun(slots: KeptSlots): boolean {
  return slots.noted() === null || slots.numbers().length === 0;
}

/** Deletes files of lanes whose first run died before it recorded the lane or had a directory. */
async function removeBegun(access: KeptDiscard & SlotAccess, place: string, signal: AbortSignal): Promise<void> {
  for (const key of namesIn(place).filter((name) => /^(clone|live)-/.test(name))) {
    const slots = new KeptSlots(place, key, access);
    if (!isBegun(slots)) continue;
    using guard = await slots.guard(signal);
    if (!isBegun(slots) || slots.numbers().some((number) => slots.slot(number).users().length > 0)) continue;
    discardKept(access, slots.dir);
    guard.retire();
  }
}

/** Deletes a lane's files if it has no directories left. */
export function discardEmpty(access: KeptDiscard, slots: KeptSlots, guard: Guard): void {
  if (slots.numbers().length > 0) return;
  discardKept(access, slots.dir);
  guard.retire();
}

/**
 * Returns directories that were set aside because the trash is on another file system. Skips empty ones, which may
 * be about to be filled.
 */
function putAside(kept: string): readonly string[] {
  const places = placesOf(kept);
  const keys = places.flatMap((place) => pathsIn(place, /^(clone|live|once)-/));
  const slots = keys.flatMap((key) => pathsIn(key, /^\d+$/));
  return [...places, ...keys, ...slots]
    .flatMap((dir) => pathsIn(dir, /^gone-/))
    .filter((dir) => namesIn(dir).length > 0);
}

function pathsIn(dir: string, name: RegExp): readonly string[] {
  return namesIn(dir).flatMap((each) => (name.test(each) ? [`${dir}/${each}`] : []));
}
