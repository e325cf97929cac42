import {
  digestOf,
  displayPath,
  leadsOut,
  limits,
  openIndex,
  parentPath,
  rootPath,
  type BytePath,
  type Entry,
  type LayerId,
} from '@cachelane/core';
import { planArchive, type ArchivePlan } from '../tar/archive-plan.ts';
import { damagedWire, refusedWire } from './frames.ts';

/**
 * Checks an index from elsewhere and returns its plan: unpacking it cannot write outside the layer's tree.
 * Throws E_LAYER_REFUSED with the reason, or E_LAYER_CORRUPT if the bytes are not an index.
 */
export function checkIncoming(id: LayerId, bytes: Uint8Array): ArchivePlan {
  if (digestOf(bytes) !== id) throw damagedWire('its index does not match its id');
  const index = openIndex(bytes);
  if (index.count > limits.incomingEntries) {
    throw refusedWire(`it has ${index.count} entries; the limit is ${limits.incomingEntries}`);
  }
  const directories = new Set<BytePath>([rootPath]);
  let deltaBytes = 0;
  // The decoder has already checked the paths.
  const plan = planArchive(index, (entry) => {
    const { path } = entry;
    const holder = parentPath(path);
    if (entry.removed !== 'hint' && !directories.has(holder)) {
      const isThere = index.find(holder) !== undefined;
      throw refusedWire(
        `${displayPath(holder)} ${isThere ? 'is a directory and something else at once' : 'is missing'}`,
      );
    }
    const fault = faultOf(entry);
    if (fault !== null) throw refusedWire(`${displayPath(path)} ${fault}`);
    if (entry.form === 'delta') deltaBytes += entry.sizeBytes;
    if (entry.type === 'dir' && entry.removed !== 'counted' && entry.removed !== 'hint') directories.add(path);
  });
  if (deltaBytes > limits.incomingDeltaBytes) {
    throw refusedWire(`its deltas have ${deltaBytes} bytes; the limit is ${limits.incomingDeltaBytes}`);
  }
  return plan;
}

/** Checks sizes and times before anything uses them. */
function faultOf({ type, removed, sizeBytes, mtimeNs }: Entry): string | null {
  const seconds = mtimeNs / 1_000_000_000n;
  if (seconds < limits.timeSecondsMin || seconds > limits.timeSecondsMax)
    return 'has a time that no file system can store';
  const isLink = type === 'symlink' && removed !== 'counted' && removed !== 'hint';
  if (isLink && (sizeBytes === 0 || sizeBytes > limits.symlinkTargetBytes))
    return 'is a symlink with an invalid target';
  return null;
}

/** Throws E_LAYER_REFUSED for a symlink that {@link leadsOut}. */
export function checkTarget({ path }: Entry, target: Uint8Array): void {
  if (!leadsOut(path, Buffer.from(target).toString('latin1'))) return;
  throw refusedWire(`${displayPath(path)} is a symlink that leads out of the volume`);
}
