import { lstatSync, readFileSync } from 'node:fs';
import type { AttachRequest } from '@cachelane/core';
import type { StoreFiles } from '../files/store-files.ts';
import { unlinkIfThere } from '../files/tree-builder.ts';
import type { KeptSlot } from './kept-slots.ts';

/** Which reads count, in milliseconds of the file system's clock. Null if reads do not count or cannot be observed. */
export type ReadsSince = {
  /** When the command began. */
  readonly fromMs: number;
  /** Files read since then may have been read again unnoticed. */
  readonly perhapsFromMs: number;
} | null;

/**
 * Most file systems record repeated reads only once a day. So in a reused directory, an older read may hide one by
 * this run.
 */
const accessNotedMs = 86_400_000;

/** Call this after the update and before the command starts. */
export function readsSinceOf(files: StoreFiles, { looks, kept }: AttachRequest, slot: KeptSlot): ReadsSince {
  if (!looks || !seesReads(files, slot)) return null;
  const fromMs = slot.clockMs();
  return { fromMs, perhapsFromMs: kept === null ? fromMs : fromMs - accessNotedMs };
}

/** Returns whether reads change access times, which mount options can turn off. */
function seesReads(files: StoreFiles, slot: KeptSlot): boolean {
  const probe = `${slot.dir}/probe`;
  files.write(probe, Uint8Array.of(0));
  files.setTime(probe, 0n);
  readFileSync(probe);
  const { atimeMs } = lstatSync(probe);
  unlinkIfThere(files, probe);
  return atimeMs > 0;
}
