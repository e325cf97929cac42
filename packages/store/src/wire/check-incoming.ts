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
import { refusedWire } from './frames.ts';

/**
 * An index that somebody else made: whatever it says, following it must put nothing outside the layer's own tree. Throws E_LAYER_REFUSED with
 * the reason, E_LAYER_CORRUPT for what is no index.
 */
export function checkIncoming(id: LayerId, bytes: Uint8Array): ArchivePlan {
  if (digestOf(bytes) !== id) throw refusedWire('its index is not the one that it is named by');
  const index = openIndex(bytes);
  if (index.count > limits.incomingEntries) {
    throw refusedWire(`it has ${index.count} entries, and ${limits.incomingEntries} are the most that are taken in`);
  }
  const directories = new Set<BytePath>([rootPath]);
  let deltaBytes = 0;
  // The decoder has refused all that is no path.
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
    throw refusedWire(
      `its parts of files are ${deltaBytes} bytes, and ${limits.incomingDeltaBytes} are the most that are taken in`,
    );
  }
  return plan;
}

/** Before anything is made of its size. */
function faultOf({ type, removed, sizeBytes, mtimeNs }: Entry): string | null {
  const seconds = mtimeNs / 1_000_000_000n;
  if (seconds < limits.timeSecondsMin || seconds > limits.timeSecondsMax) return 'has a time that no file system holds';
  const isLink = type === 'symlink' && removed !== 'counted' && removed !== 'hint';
  if (isLink && (sizeBytes === 0 || sizeBytes > limits.symlinkTargetBytes))
    return 'is a symlink with a target that is none';
  return null;
}

/** Throws E_LAYER_REFUSED for a symlink that {@link leadsOut}. */
export function checkTarget({ path }: Entry, target: Uint8Array): void {
  if (!leadsOut(path, Buffer.from(target).toString('latin1'))) return;
  throw refusedWire(`${displayPath(path)} is a symlink that leads out of the volume`);
}
