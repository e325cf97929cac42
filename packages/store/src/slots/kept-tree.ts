import { lstatSync, type Stats } from 'node:fs';
import { CachelaneError } from '@cachelane/core';
import type { Owner, StoreFiles } from '../files/store-files.ts';
import { unlinkIfThere } from '../files/tree-builder.ts';
import type { KeptSlot } from './kept-slots.ts';
import { readJson } from './slot-files.ts';

/**
 * The directory that was made for a slot, in this boot: after another one nothing in it is believed, since it may never
 * have reached the disk.
 */
export interface MadeTree {
  readonly bootId: string;
  readonly inode: number;
  readonly birthMs: number;
  /** Its own, which may come from the directory that it lies in. */
  readonly rootOwner: Owner;
  /** Of what we make in it, as the file system tells it. */
  readonly owner: Owner;
}

/** Where nothing is. The note comes last: without it nobody takes the directory for whole. */
export function makeTree(files: StoreFiles, slot: KeptSlot, mode: number): MadeTree {
  const { tree, bootId } = slot;
  unlinkIfThere(files, noteFile(slot));
  files.makeDir(tree, mode);
  // What was made may have bits from the directory that it lies in.
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

/** Null where none was made in this boot. */
export function readMadeTree(slot: KeptSlot): MadeTree | null {
  const made = readJson<MadeTree>(noteFile(slot));
  return made?.bootId === slot.bootId ? made : null;
}

/**
 * What stands at its place, where a command may have put anything. `remade`: another directory, whose contents are the command's work. `replaced`: a
 * symlink, a file, or something mounted: what lies behind it is not ours to look into, or to change.
 */
type TreeNow = 'made' | 'remade' | 'gone' | 'replaced';

function treeNow(slot: KeptSlot): TreeNow {
  const stat = lstatSync(slot.tree, { throwIfNoEntry: false });
  if (stat === undefined) return 'gone';
  if (!stat.isDirectory() || stat.dev !== lstatSync(slot.dir).dev) return 'replaced';
  const made = readMadeTree(slot);
  return stat.ino === made?.inode && stat.birthtimeMs === made.birthMs ? 'made' : 'remade';
}

/** Whether there is a directory that runs can work in, or left work in. */
export function hasTree(slot: KeptSlot): boolean {
  const now = treeNow(slot);
  return now === 'made' || now === 'remade';
}

/** Throws where something removed or replaced the directory under the runs that use it: that is not what they left. */
export function requireTree(slot: KeptSlot): 'made' | 'remade' {
  const now = treeNow(slot);
  if (now === 'made' || now === 'remade') return now;
  const what = now === 'gone' ? 'is gone: something removed' : 'is no directory any more: something replaced';
  throw new CachelaneError('E_NOT_FOUND', `the directory of the volume ${what} ${slot.tree}`, {
    hint: 'what was saved before is safe, and the first run after those at work gets it in a new directory',
  });
}

/** Whether a run can be given it again: nobody put another one there, or gave it away. */
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
