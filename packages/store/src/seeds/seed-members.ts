import { closeSync, fstatSync, rmSync, type BigIntStats } from 'node:fs';
import type { BytePath } from '@cachelane/core';
import type { ArchiveMember } from '../archive/archive-member.ts';
import {
  entriesBelow,
  FirstNames,
  memberOf,
  openToRead,
  piecesOf,
  type Attempt,
  type Found,
} from '../archive/read-directory.ts';
import { errnoOf, isMissing } from '../files/file-errors.ts';
import { filePath } from '../files/file-path.ts';

export interface SeedReading {
  /** Where the consumer puts the members. */
  readonly into: string;
  /** Called for each entry that is skipped. */
  readonly onLeftOut: () => void;
}

/** How often a file that keeps changing is read. */
const tries = 2;

/**
 * Yields the members of a directory that other programs may use. Ignores entries that vanish, and skips files that
 * cannot be read whole.
 */
export async function* seedMembers(dir: string, reading: SeedReading): AsyncGenerator<ArchiveMember> {
  const attempt = leavingOut(reading.onLeftOut);
  const names = new FirstNames();
  for (const found of entriesBelow(dir, attempt)) {
    if (found.stat.isFile()) {
      yield* fileMembers(dir, found, { ...reading, attempt, names });
      continue;
    }
    const member = attempt(() => memberOf(dir, found, names));
    if (member?.kind === 'special') reading.onLeftOut();
    else if (member !== undefined) yield member;
  }
}

/** Reads something that may be missing or unreadable. Calls `onClosed` if it is unreadable. */
export function leavingOut(onClosed: () => void): Attempt {
  return (read) => {
    try {
      return read();
    } catch (error) {
      if (isMissing(error)) return undefined;
      // Also skips a file that became a symlink or a socket.
      if (!['EACCES', 'EPERM', 'ELOOP', 'ENXIO', 'EINVAL'].includes(errnoOf(error) ?? '')) throw error;
      onClosed();
      return undefined;
    }
  };
}

interface FileReading extends SeedReading {
  readonly attempt: Attempt;
  readonly names: FirstNames;
}

/**
 * Yields a file. If it changed meanwhile, yields it again in the same place. If it keeps changing or is gone,
 * removes it again.
 */
async function* fileMembers(
  dir: string,
  { path }: Pick<Found, 'path'>,
  { into, onLeftOut, attempt, names }: FileReading,
): AsyncGenerator<ArchiveMember> {
  for (let count = 0; count < tries; count++) {
    const descriptor = attempt(() => openToRead(filePath(dir, path)));
    if (descriptor === undefined) return takeAway(into, path);
    try {
      const stat = fstatSync(descriptor, { bigint: true });
      if (!stat.isFile()) break;
      const member = memberOf(dir, { path, stat }, names);
      yield member.kind === 'file' ? { ...member, data: dataOf(descriptor, stat) } : member;
      if (member.kind !== 'file' || isUnchanged(stat, fstatSync(descriptor, { bigint: true }))) return;
      names.forget(stat);
    } finally {
      closeSync(descriptor);
    }
  }
  takeAway(into, path);
  onLeftOut();
}

/** Reads at most the size at open: another program may write as fast as we read. */
async function* dataOf(descriptor: number, { size }: BigIntStats): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  let left = Number(size);
  for (const piece of piecesOf(descriptor, left)) {
    yield piece.subarray(0, left);
    left -= Math.min(left, piece.length);
    if (left === 0) return;
  }
}

/** Compares size and mtime. New links and read times are no change of the content. */
function isUnchanged(before: BigIntStats, after: BigIntStats): boolean {
  return before.size === after.size && before.mtimeNs === after.mtimeNs;
}

function takeAway(into: string, path: BytePath): void {
  rmSync(filePath(into, path), { force: true });
}
