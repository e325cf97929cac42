import { randomFillSync } from 'node:crypto';
import { existsSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isCachelaneError, type Metadata } from '@cachelane/core';

// A full disk takes no write, and to forget a volume is one: the log of the database has to grow before anything can go. So the home keeps a file that
// means nothing, and whoever frees space gives it up first.

/** What the log grows by at most before it is used from its beginning again, twice. */
const reserveBytes = 2 * 2 ** 20;
/** Of a small file system not more than this part. */
const reservePart = 0.02;

function reserveOf(homeDir: string): string {
  return join(homeDir, 'reserve');
}

/** Makes it where it is missing and there is room; what cannot be had is tried again another time. */
export function keepReserve(homeDir: string): void {
  const file = reserveOf(homeDir);
  try {
    if (existsSync(file)) return;
    const { blocks, bsize, bavail } = statfsSync(homeDir);
    const sizeBytes = Math.floor(Math.min(reserveBytes, blocks * bsize * reservePart));
    if (bavail * bsize < 2 * sizeBytes) return;
    // Zeros would take no room where a file system compresses.
    writeFileSync(file, randomFillSync(new Uint8Array(sizeBytes)), { mode: 0o600 });
  } catch {
    rmSync(file, { force: true });
  }
}

/** Metadata for commands that free space: each of its transactions that the disk has no room for is tried again without the reserve. */
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

/** Tries once more without the reserve. */
export async function withReserve<T>(homeDir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isCachelaneError(error, 'E_DISK_FULL') || !existsSync(reserveOf(homeDir))) throw error;
    rmSync(reserveOf(homeDir), { force: true });
    return await work();
  }
}
