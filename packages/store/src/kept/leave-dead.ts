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

/** A dead session uses the kept directory no more. Where nobody else does, the symlinks go that led there. */
export async function leaveDead({ files, bootId, uses, slot, user }: DeadUse, signal: AbortSignal): Promise<void> {
  if (hasLinks(slot.tree)) {
    // Others may have found it dead before us, and somebody may have taken the directory since.
    const slots = new KeptSlots(dirname(dirname(slot.dir)), basename(dirname(slot.dir)), { files, bootId });
    using _guard = await slots.guard(signal);
    if (slot.users().every((each) => each === user)) takeBackLinks(files, slot.tree);
  }
  uses.remove(slot, user);
}
