import { createHash } from 'node:crypto';
import { lstatSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { CachelaneError, limits, type Mount, type SeedCopy, type SeedFiles, type SeedLook } from '@cachelane/core';
import type { ArchiveMember } from '../archive/archive-member.ts';
import { entriesBelow, FirstNames, reading } from '../archive/read-directory.ts';
import { unpackMembers } from '../archive/unpack-members.ts';
import { homePaths } from '../files/home-paths.ts';
import { errnoOf, longPortCall, portCall, throwIfAborted } from '../files/file-errors.ts';
import { imageLook, leftOutOfImage } from './image-look.ts';
import { leavingOut, seedMembers } from './seed-members.ts';
import { readSeedNote, writeSeedNote } from './seed-notes.ts';

export interface SeedFilesOptions {
  /** Real path of the home. A seed may not contain the home or be inside it. */
  readonly dir: string;
}

/** Names, or pieces of a file, between yields to other work. */
const turnEvery = 16;

export function openSeedFiles({ dir: home }: SeedFilesOptions): SeedFiles {
  return {
    look: async (dir, signal) =>
      await longPortCall(`reading ${dir}`, signal, async () => {
        const real = realDirectory(dir, home);
        const walk = async (): Promise<SeedLook> => await lookAt(real, signal);
        return isImage(real, home) ? await imageLook(real, walk) : await walk();
      }),
    copy: async (dir, { into, maxBytes }, signal) =>
      await longPortCall(`copying ${dir}`, signal, async () => {
        const bound = new Bound(dir, maxBytes);
        const real = realDirectory(dir, home);
        const { leftOut } = await copyInto(real, { into: directoryOf(into), bound, signal });
        return { leftOut: leftOut + (isImage(real, home) ? leftOutOfImage(real) : 0) };
      }),
    noted: async (key, signal) => await portCall('reading a seed note', signal, () => readSeedNote(home, key)),
    note: async (key, note, signal) =>
      await portCall('writing a seed note', signal, () => writeSeedNote(home, key, note)),
  };
}

/** Errors: E_NOT_FOUND, E_USAGE. */
function realDirectory(dir: string, home: string): string {
  const real = resolved(dir);
  if (!reading(() => statSync(real)).isDirectory()) {
    throw new CachelaneError('E_USAGE', `${dir} is not a directory`, { hint: 'a volume is seeded from a directory' });
  }
  const isStore = isIn(real, home) && !real.startsWith(`${homePaths(home).images}/`);
  if (isStore || isIn(home, real) || real === '/') {
    throw new CachelaneError('E_USAGE', `${dir} is inside the store, or contains it`, {
      hint: 'name the cache directory itself; to use another volume, give its id',
    });
  }
  return real;
}

/** Returns whether the path is a whole image, not a part of one. */
function isImage(real: string, home: string): boolean {
  return basename(real) === 'tree' && dirname(dirname(real)) === homePaths(home).images;
}

function isIn(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(`${outer}/`);
}

function resolved(dir: string): string {
  try {
    return realpathSync(dir);
  } catch (error) {
    const code = errnoOf(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') return reading(() => realpathSync(dir));
    throw new CachelaneError('E_NOT_FOUND', `there is no directory ${dir}`, {
      hint: 'a seed must be a directory on the machine of the engine',
    });
  }
}

function directoryOf(into: Mount): string {
  if (into.kind === 'directory') return into.path;
  throw new CachelaneError('E_INTERNAL', 'the target of a seed must be a directory');
}

async function lookAt(dir: string, signal: AbortSignal): Promise<SeedLook> {
  const seen: string[] = [];
  const names = new FirstNames();
  let sizeBytes = 0;
  let changedAtNs = reading(() => lstatSync(dir, { bigint: true })).ctimeNs;
  // Skip unreadable entries: the copy reports them, and the stamp changes if they become readable.
  for (const { path, stat } of entriesBelow(dir, leavingOut(nothing))) {
    const { mode, size, mtimeNs, ctimeNs, ino } = stat;
    if (stat.isFile() && names.firstOf(stat, path) === path) sizeBytes += Number(size);
    if (ctimeNs > changedAtNs) changedAtNs = ctimeNs;
    seen.push(`${path}\0${mode} ${size} ${mtimeNs} ${ctimeNs} ${ino}`);
    if (seen.length > limits.incomingEntries) throw tooLarge(dir);
    if (seen.length % turnEvery === 0) await turnOfOthers(signal);
  }
  requireStill(dir);
  const hash = createHash('sha256');
  for (const line of seen.toSorted()) hash.update(line, 'latin1').update('\n');
  return { path: dir, stamp: hash.digest('hex'), changedAtMs: Number(changedAtNs / 1_000_000n), sizeBytes };
}

const nothing = (): void => {};

/** Throws E_NOT_FOUND if the directory vanished while it was read. */
function requireStill(dir: string): void {
  resolved(dir);
}

function tooLarge(dir: string): CachelaneError {
  return new CachelaneError('E_USAGE', `${dir} has more than ${limits.incomingEntries} entries`, {
    hint: 'name a part of it',
  });
}

interface Copying {
  readonly into: string;
  readonly bound: Bound;
  readonly signal: AbortSignal;
}

async function copyInto(dir: string, { into, bound, signal }: Copying): Promise<SeedCopy> {
  let leftOut = 0;
  const members = seedMembers(dir, { into, onLeftOut: () => void leftOut++ });
  const taken = inTurns(members, bound, signal);
  const { linksLeftOut } = await unpackMembers(taken, { dir: into, root: '', hardLinks: [] });
  requireStill(dir);
  return { leftOut: leftOut + linksLeftOut };
}

async function* inTurns(
  members: AsyncIterable<ArchiveMember>,
  bound: Bound,
  signal: AbortSignal,
): AsyncGenerator<ArchiveMember> {
  let count = 0;
  for await (const member of members) {
    if (++count % turnEvery === 0) await turnOfOthers(signal);
    bound.requireEntries(count);
    yield { ...member, data: inPieces(member.data, bound, signal) };
  }
}

async function* inPieces(
  data: AsyncIterable<Uint8Array>,
  bound: Bound,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let count = 0;
  for await (const piece of data) {
    bound.take(piece.length);
    yield piece;
    if (++count % turnEvery === 0) await turnOfOthers(signal);
  }
}

/** Counts the bytes read, because the directory may grow. A file that is read again counts again. */
class Bound {
  readonly #dir: string;
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(dir: string, maxBytes: number) {
    this.#dir = dir;
    this.#maxBytes = maxBytes;
  }

  requireEntries(count: number): void {
    if (count > limits.incomingEntries) throw tooLarge(this.#dir);
  }

  take(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes <= this.#maxBytes) return;
    throw new CachelaneError('E_QUOTA', `${this.#dir} grew beyond the limit of a seed while it was read`, {
      hint: 'try again when no other program writes there',
    });
  }
}

async function turnOfOthers(signal: AbortSignal): Promise<void> {
  await setImmediate();
  throwIfAborted(signal);
}
