import { lstatSync, readFileSync } from 'node:fs';
import type { AttachRequest } from '@cachelane/core';
import type { StoreFiles } from '../files/store-files.ts';
import { unlinkIfThere } from '../files/tree-builder.ts';
import type { KeptSlot } from './kept-slots.ts';

/**
 * Which reads are of interest, in milliseconds by the clock of the file system; null: none are, or they cannot be seen.
 */
export type ReadsSince = {
  /** When the command began. */
  readonly fromMs: number;
  /** What was read since then may have been read again, without a trace. */
  readonly perhapsFromMs: number;
} | null;

/**
 * What was read is not noted again by most file systems, for a day: in a directory that had runs before, that may have
 * been this one.
 */
const accessNotedMs = 86_400_000;

/** Asked once the directory shows the view, and before the command runs. */
export function readsSinceOf(files: StoreFiles, { looks, kept }: AttachRequest, slot: KeptSlot): ReadsSince {
  if (!looks || !seesReads(files, slot)) return null;
  const fromMs = slot.clockMs();
  return { fromMs, perhapsFromMs: kept === null ? fromMs : fromMs - accessNotedMs };
}

/** Whether the time of access of a file tells that it was read: not where that is mounted off. */
function seesReads(files: StoreFiles, slot: KeptSlot): boolean {
  const probe = `${slot.dir}/probe`;
  files.write(probe, Uint8Array.of(0));
  files.setTime(probe, 0n);
  readFileSync(probe);
  const { atimeMs } = lstatSync(probe);
  unlinkIfThere(files, probe);
  return atimeMs > 0;
}
