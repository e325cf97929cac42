import {
  digestOf,
  displayPath,
  limits,
  openIndex,
  parentPath,
  parseBytePath,
  rootPath,
  type BytePath,
  type Entry,
  type LayerId,
  type LayerIndex,
} from '@cachelane/core';
import { refusedWire } from './frames.ts';
import { archiveEndBytes, contentBytes, paddingOf, tarHeader } from './tar-entries.ts';

export interface IncomingIndex {
  readonly index: LayerIndex;
  /** Of the archive, decompressed: as much and no more has to come. */
  readonly archiveBytes: number;
}

/**
 * An index that somebody else made: whatever it says, following it must put nothing outside the layer's own tree. Throws E_LAYER_REFUSED with
 * the reason, E_LAYER_CORRUPT for what is no index.
 */
export function checkIncoming(id: LayerId, bytes: Uint8Array): IncomingIndex {
  if (digestOf(bytes) !== id) throw refusedWire('its index is not the one that it is named by');
  const index = openIndex(bytes);
  if (index.count > limits.incomingEntries) {
    throw refusedWire(`it has ${index.count} entries, and ${limits.incomingEntries} are the most that are taken in`);
  }
  const directories = new Set<BytePath>([rootPath]);
  let archiveBytes = archiveEndBytes;
  let deltaBytes = 0;
  for (const entry of index.entries()) {
    const { path } = entry;
    parseBytePath(path);
    if (path === rootPath) throw refusedWire('it has an entry for its root');
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
    archiveBytes += bytesOf(entry);
  }
  if (deltaBytes > limits.incomingDeltaBytes) {
    throw refusedWire(
      `its parts of files are ${deltaBytes} bytes, and ${limits.incomingDeltaBytes} are the most that are taken in`,
    );
  }
  return { index, archiveBytes };
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

function bytesOf(entry: Entry): number {
  const content = contentBytes(entry);
  return tarHeader(entry).bytes.length + content + paddingOf(content);
}

/**
 * A symlink's target must stay in the volume, whatever other symlinks it passes: as many `..` as it lies deep at most, all of them at the
 * beginning, where only directories of the layer are left.
 */
export function checkTarget({ path }: Entry, target: Uint8Array): void {
  const text = Buffer.from(target).toString('latin1');
  const parts = text.split('/').filter((part) => part !== '' && part !== '.');
  const ups = parts.findIndex((part) => part !== '..');
  const up = ups < 0 ? parts.length : ups;
  const depth = path.split('/').length - 1;
  const isInside = !text.startsWith('/') && up <= depth && !parts.slice(up).includes('..') && !text.includes('\0');
  if (!isInside) throw refusedWire(`${displayPath(path)} is a symlink that leads out of the volume`);
}
