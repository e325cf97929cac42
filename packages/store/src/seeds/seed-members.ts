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
  /** Where whoever asks for the members puts them. */
  readonly into: string;
  /** Told of each entry that is there and not among the members. */
  readonly onLeftOut: () => void;
}

/** What becomes of a file that changes while it is read: so often it is read. */
const tries = 2;

/**
 * A directory that others may be at work in: what vanished meanwhile was not there, and what cannot be read whole is
 * left out.
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

/** Reads what may be gone, and what may be closed to us; the latter is told. */
export function leavingOut(onClosed: () => void): Attempt {
  return (read) => {
    try {
      return read();
    } catch (error) {
      if (isMissing(error)) return undefined;
      // A file that has become a symlink, or a socket, since it was found is none of ours to read either.
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

/** Once; again in its own place where it changed meanwhile; taken away again where it goes on changing, or is gone. */
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

/** No more than it had when it was opened: somebody may write as fast as we read. */
async function* dataOf(descriptor: number, { size }: BigIntStats): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  let left = Number(size);
  for (const piece of piecesOf(descriptor, left)) {
    yield piece.subarray(0, left);
    left -= Math.min(left, piece.length);
    if (left === 0) return;
  }
}

/** Of links to it, times of reading and the like we are not told: they are no change of what it holds. */
function isUnchanged(before: BigIntStats, after: BigIntStats): boolean {
  return before.size === after.size && before.mtimeNs === after.mtimeNs;
}

function takeAway(into: string, path: BytePath): void {
  rmSync(filePath(into, path), { force: true });
}
