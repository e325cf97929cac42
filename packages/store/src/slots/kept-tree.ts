import { lstatSync, type Stats } from 'node:fs';
import { CachelaneError } from '@cachelane/core';
import type { Owner, StoreFiles } from '../files/store-files.ts';
import { unlinkIfThere } from '../files/tree-builder.ts';
import type { KeptSlot } from './kept-slots.ts';
import { readJson } from './slot-files.ts';

/**
 * The directory that was created for a slot in this boot. After a reboot its contents do not count, because they
 * may never have reached the disk.
 */
export interface MadeTree {
  readonly bootId: string;
  readonly inode: number;
  readonly birthMs: number;
  /** Owner of the directory itself, which may come from its parent. */
  readonly rootOwner: Owner;
  /** Owner of files that we create in it, as the file system reports it. */
  readonly owner: Owner;
}

/** Creates the directory at an unused path. Writes its note last: without the note, the directory is incomplete. */
export function makeTree(files: StoreFiles, slot: KeptSlot, mode: number): MadeTree {
  const { tree, bootId } = slot;
  unlinkIfThere(files, noteFile(slot));
  files.makeDir(tree, mode);
  // The parent may have added mode bits.
  files.setMode(tree, mode);
  const probe = `${tree}/probe`;
  files.write(probe, new Uint8Array());
  const owner = ownerOf(lstatSync(probe));
  files.unlink(probe);
  const stat = lstatSync(tree);
  const made = { bootId, inode: stat.ino, birthMs: stat.birthtimeMs, rootOwner: ownerOf(stat), owner };
  files.write(noteFile(slot), Buffer.from(JSON.stringify(made)));
  return made;
}

/** Returns null if no directory was created in this boot. */
export function readMadeTree(slot: KeptSlot): MadeTree | null {
  const made = readJson<MadeTree>(noteFile(slot));
  return made?.bootId === slot.bootId ? made : null;
}

/**
 * What is at the directory's path, where a command can put anything. `remade`: another directory, with the
 * command's work. `replaced`: a symlink, a file or a mount, which we must not read or change.
 */
type TreeNow = 'made' | 'remade' | 'gone' | 'replaced';

function treeNow(slot: KeptSlot): TreeNow {
  const stat = lstatSync(slot.tree, { throwIfNoEntry: false });
  if (stat === undefined) return 'gone';
  if (!stat.isDirectory() || stat.dev !== lstatSync(slot.dir).dev) return 'replaced';
  const made = readMadeTree(slot);
  return stat.ino === made?.inode && stat.birthtimeMs === made.birthMs ? 'made' : 'remade';
}

/** Returns whether there is a directory that runs can use or left work in. */
export function hasTree(slot: KeptSlot): boolean {
  const now = treeNow(slot);
  return now === 'made' || now === 'remade';
}

/** Throws E_NOT_FOUND if the directory was removed or replaced while runs used it. */
export function requireTree(slot: KeptSlot): 'made' | 'remade' {
  const now = treeNow(slot);
  if (now === 'made' || now === 'remade') return now;
  const what = now === 'gone' ? 'is gone: something removed' : 'is no longer a directory: something replaced';
  throw new CachelaneError('E_NOT_FOUND', `the directory of the volume ${what} ${slot.tree}`, {
    hint: 'earlier saves are safe; once the current runs end, the next run gets a new directory',
  });
}

/** Returns whether a run can reuse the directory: it is the one we created, with the same owner. */
export function isStillMade(slot: KeptSlot, made: MadeTree): boolean {
  return treeNow(slot) === 'made' && isOwner(made.rootOwner, lstatSync(slot.tree));
}

export function isOwner({ uid, gid }: Owner, stat: Pick<Stats, 'uid' | 'gid'>): boolean {
  return stat.uid === uid && stat.gid === gid;
}

function ownerOf({ uid, gid }: Stats): Owner {
  return { uid, gid };
}

function noteFile({ dir }: KeptSlot): string {
  return `${dir}/tree.json`;
}
