import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock, Metadata, Random } from '@cachelane/core';
import { openSqliteMetadata } from './sqlite-metadata.ts';

/** The real clock: these tests use real processes and files. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, { signal });
  },
};

export const systemRandom: Random = { bytes: (count) => randomBytes(count) };

export interface ScratchDir extends Disposable {
  readonly path: string;
}

export function scratchDir(): ScratchDir {
  const path = mkdtempSync(join(tmpdir(), 'cachelane-store-'));
  return {
    path,
    [Symbol.dispose]: () => {
      rmSync(path, { recursive: true, force: true });
    },
  };
}

export async function openStore(file: string, options: { readonly busyMs?: number } = {}): Promise<Metadata> {
  const { signal } = new AbortController();
  return await openSqliteMetadata({ file, clock: systemClock, random: systemRandom, ...options }, signal);
}
