import { basename, dirname } from 'node:path';
import type { StoreFiles } from '../files/store-files.ts';
import { hasLinks, takeBackLinks } from '../links/kept-links.ts';
import { KeptSlots, type KeptSlot, type SlotUses } from '../slots/kept-slots.ts';

interface DeadUse {
  readonly files: StoreFiles;
  readonly bootId: string;
  readonly uses: SlotUses;
  readonly slot: KeptSlot;
  readonly user: string;
}

/** Removes a dead session's use of a kept directory. If no other session uses it, also removes the symlinks to it. */
export async function leaveDead({ files, bootId, uses, slot, user }: DeadUse, signal: AbortSignal): Promise<void> {
  if (hasLinks(slot.tree)) {
    // Another process may have found it dead first, and a new run may use the directory.
    const slots = new KeptSlots(dirname(dirname(slot.dir)), basename(dirname(slot.dir)), { files, bootId });
    using _guard = await slots.guard(signal);
    if (slot.users().every((each) => each === user)) takeBackLinks(files, slot.tree);
  }
  uses.remove(slot, user);
}
