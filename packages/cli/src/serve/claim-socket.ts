import { lstatSync, mkdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { CachelaneError } from '@cachelane/core';
import { socketPathBytes } from '@cachelane/protocol';
import type { Host } from '../host/host.ts';

export interface SocketClaim {
  readonly path: string;
  /** Whether its directory is made where it is missing: one that a person named is not. */
  readonly makesDir: boolean;
}

/**
 * Makes the path free to listen at, and keeps other engines from it until that is given back or this process ends. What a dead engine left there is removed. Errors: E_LOCKED where
 * somebody listens there, E_USAGE for a path that cannot be a socket's, E_HOME_UNUSABLE, E_DISK_FULL.
 */
export async function claimSocket(
  { pieces, effectiveUid }: Host,
  { path, makesDir }: SocketClaim,
): Promise<Disposable> {
  const bytes = Buffer.byteLength(path);
  if (bytes > socketPathBytes) {
    throw unusable(path, `has ${bytes} bytes, and a socket's path has ${socketPathBytes} at most`);
  }
  if (makesDir) makeDir(dirname(path));
  requirePrivate(dirname(path), effectiveUid);
  // Two that start at once would take each other's socket for a dead one's: the lock decides, and goes with its process.
  const lock = await pieces.holdFile(`${path}.lock`);
  if (lock === null) throw taken(path);
  try {
    await removeStale(path);
    return lock;
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

function makeDir(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unusable(dir, `cannot be made (${(error as NodeJS.ErrnoException).code})`, error);
  }
}

/** Who may look into the directory may connect, and who may write to it may put another socket there. */
function requirePrivate(dir: string, uid: number): void {
  try {
    const stats = lstatSync(dir);
    // Where it leads to is up to whoever made it, and may be another place in a moment.
    if (stats.isSymbolicLink()) throw unusable(dir, 'is a symlink: a socket lies in a directory that is named itself');
    const isPrivate = stats.isDirectory() && stats.uid === uid && (stats.mode & 0o077) === 0;
    if (!isPrivate) throw unusable(dir, 'is no directory that is open to you alone (mode 0700)');
  } catch (error) {
    if (error instanceof CachelaneError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new CachelaneError('E_USAGE', `there is no directory ${dir}`, { hint: `make it: mkdir -m 700 ${dir}` });
    }
    throw unusable(dir, `cannot be used (${(error as NodeJS.ErrnoException).code})`, error);
  }
}

async function removeStale(path: string): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isSocket()) throw unusable(path, 'is there already, and is no socket');
  // Another program's, which knows nothing of our lock.
  if (await isListenedAt(path)) throw taken(path);
  rmSync(path, { force: true });
}

async function isListenedAt(path: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ path });
    const answer = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', () => {
      answer(true);
    });
    // In doubt somebody is there.
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      answer(code !== 'ECONNREFUSED' && code !== 'ENOENT');
    });
  });
}

function taken(path: string): CachelaneError {
  return new CachelaneError('E_LOCKED', `an engine listens at unix:${path} already`, {
    hint: 'ask that one, or let this one listen elsewhere with --listen',
  });
}

function unusable(path: string, why: string, cause?: unknown): CachelaneError {
  return new CachelaneError('E_USAGE', `${path} ${why}`, {
    hint: 'name another path: --listen unix:PATH',
    ...(cause === undefined ? {} : { cause }),
  });
}
