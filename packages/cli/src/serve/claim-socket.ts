import { lstatSync, mkdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { CachelaneError } from '@cachelane/core';
import { socketPathBytes } from '@cachelane/protocol';
import type { Host } from '../host/host.ts';

export interface SocketClaim {
  readonly path: string;
  /** Whether to create a missing directory; false for a directory that the user named. */
  readonly makesDir: boolean;
}

/**
 * Locks the socket path and removes a stale socket. The lock ends with disposal or the process. Errors: E_LOCKED if an engine listens
 * there, E_USAGE for an unsuitable path, E_HOME_UNUSABLE, E_DISK_FULL.
 */
export async function claimSocket(
  { pieces, effectiveUid }: Host,
  { path, makesDir }: SocketClaim,
): Promise<Disposable> {
  const bytes = Buffer.byteLength(path);
  if (bytes > socketPathBytes) {
    throw unusable(path, `has ${bytes} bytes; the limit of a socket's path is ${socketPathBytes}`);
  }
  if (makesDir) makeDir(dirname(path));
  requirePrivate(dirname(path), effectiveUid);
  // Two starting engines could each take the other's socket for stale, so the lock decides.
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
    throw unusable(dir, `cannot be created (${(error as NodeJS.ErrnoException).code})`, error);
  }
}

/** Access to the directory allows connecting or replacing the socket. */
function requirePrivate(dir: string, uid: number): void {
  try {
    const stats = lstatSync(dir);
    // Its owner could change the target.
    if (stats.isSymbolicLink()) throw unusable(dir, 'is a symlink: name the directory itself');
    const isPrivate = stats.isDirectory() && stats.uid === uid && (stats.mode & 0o077) === 0;
    if (!isPrivate) throw unusable(dir, 'is not a directory that only you can access (mode 0700)');
  } catch (error) {
    if (error instanceof CachelaneError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new CachelaneError('E_USAGE', `there is no directory ${dir}`, { hint: `create it: mkdir -m 700 ${dir}` });
    }
    throw unusable(dir, `cannot be used (${(error as NodeJS.ErrnoException).code})`, error);
  }
}

async function removeStale(path: string): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isSocket()) throw unusable(path, 'exists and is not a socket');
  // Other programs do not use our lock.
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
    // In doubt, assume a listener.
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      answer(code !== 'ECONNREFUSED' && code !== 'ENOENT');
    });
  });
}

function taken(path: string): CachelaneError {
  return new CachelaneError('E_LOCKED', `an engine already listens at unix:${path}`, {
    hint: 'use that engine, or choose another path with --listen',
  });
}

function unusable(path: string, why: string, cause?: unknown): CachelaneError {
  return new CachelaneError('E_USAGE', `${path} ${why}`, {
    hint: 'choose another path: --listen unix:PATH',
    ...(cause === undefined ? {} : { cause }),
  });
}
