import { limits } from '../base/limits.ts';
import { parseBytePath, rootPath } from './byte-path.ts';
import type { Entry } from './entry.ts';

/**
 * Returns why an entry is invalid, or null. The encoder checks before writing (a fault is a bug), the decoder after
 * reading (a fault is damage).
 */
export function entryFault(entry: Entry): string | null {
  if (entry.path === rootPath) return 'an entry for the root';
  if (!Number.isSafeInteger(entry.sizeBytes) || entry.sizeBytes < 0) return 'a size that is not a byte count';
  if (!Number.isInteger(entry.mode) || (entry.mode & ~0o1777) !== 0) return 'mode bits beyond 01777';
  return contentFault(entry) ?? originsFault(entry.origins);
}

function contentFault({ type, removed, form, digest, sizeBytes }: Entry): string | null {
  if (form === 'delta' && (type !== 'file' || removed !== null)) return 'a delta that is not a file';
  const holdsContent = type !== 'dir' && removed !== 'counted' && removed !== 'hint';
  if (holdsContent) return digest === null ? 'content without a digest' : null;
  return digest !== null || sizeBytes !== 0 ? 'content of a directory or a removal' : null;
}

function originsFault(origins: readonly string[]): string | null {
  let previous = '';
  for (const origin of origins) {
    if (origin <= previous) return 'origins that are not sorted or not unique';
    previous = origin;
  }
  return null;
}

/** Returns whether `latin1` is a valid directory of an entry, or the root. */
export function isDirectoryPath(latin1: string): boolean {
  try {
    parseBytePath(latin1);
    return true;
  } catch {
    return false;
  }
}

/** Returns whether `latin1` is a valid last part of an entry's path. */
export function isFileName(latin1: string): boolean {
  if (latin1 === '' || latin1 === '.' || latin1 === '..' || latin1.length > limits.fileNameBytes) return false;
  return !latin1.includes('/') && !latin1.includes('\0');
}
