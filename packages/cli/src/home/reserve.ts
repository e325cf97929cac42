import { randomFillSync } from 'node:crypto';
import { existsSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isCachelaneError, type Metadata } from '@cachelane/core';

// On a full disk even a deletion needs space, since the database's log grows first. So the home keeps a reserve file, and commands that
// free space delete it first.

/** Twice the largest growth of the log before it wraps around. */
const reserveBytes = 2 * 2 ** 20;
/** Largest part of a small file system. */
const reservePart = 0.02;

function reserveOf(homeDir: string): string {
  return join(homeDir, 'reserve');
}

/** Creates the reserve if it is missing and fits. Otherwise the next call tries again. */
export function keepReserve(homeDir: string): void {
  const file = reserveOf(homeDir);
  try {
    if (existsSync(file)) return;
    const { blocks, bsize, bavail } = statfsSync(homeDir);
    const sizeBytes = Math.floor(Math.min(reserveBytes, blocks * bsize * reservePart));
    if (bavail * bsize < 2 * sizeBytes) return;
    // Zeros would take no space on a compressing file system.
    writeFileSync(file, randomFillSync(new Uint8Array(sizeBytes)), { mode: 0o600 });
  } catch {
    rmSync(file, { force: true });
  }
}

/** Returns metadata for commands that free space: transactions that fail on a full disk are retried without the reserve. */
export function sparing(metadata: Metadata, homeDir: string): Metadata {
  const wrap =
    (method: (...args: readonly unknown[]) => Promise<unknown>) =>
    async (...args: readonly unknown[]): Promise<unknown> =>
      await withReserve(homeDir, async () => await method.apply(metadata, [...args]));
  const methods = Object.entries(metadata).map(([name, method]) => [name, wrap(method as Parameters<typeof wrap>[0])]);
  return {
    ...(Object.fromEntries(methods) as Metadata),
    [Symbol.asyncDispose]: async () => await metadata[Symbol.asyncDispose](),
  };
}

/** Retries once without the reserve. */
export async function withReserve<T>(homeDir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isCachelaneError(error, 'E_DISK_FULL') || !existsSync(reserveOf(homeDir))) throw error;
    rmSync(reserveOf(homeDir), { force: true });
    return await work();
  }
}
