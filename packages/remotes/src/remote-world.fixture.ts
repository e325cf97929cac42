import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock, Random, RemoteKey } from '@cachelane/core';
import { damaged, type HeadDamage, type RemoteFactory } from '@cachelane/testkit';
import { openDirRemote } from './dir/dir-remote.ts';

/** The machine's own ports: these tests use real files and servers. */
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
  const path = mkdtempSync(join(tmpdir(), 'cachelane-remotes-'));
  return {
    path,
    [Symbol.dispose]: () => {
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Returns the relative paths of all files below a directory. */
export function filesBelow(dir: string): readonly string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .toSorted();
}

function newestStateFile(remote: string, key: RemoteKey): string {
  const dir = join(remote, 'heads', `${key}@`);
  return join(dir, `${Math.max(...readdirSync(dir).map(Number))}`);
}

export const dirRemotes: RemoteFactory = () => {
  const dir = scratchDir();
  const path = join(dir.path, 'remote');
  mkdirSync(path);
  return Promise.resolve({
    open: () => Promise.resolve(openDirRemote({ path, random: systemRandom })),
    async damageHead(key: RemoteKey, damage: HeadDamage) {
      const file = newestStateFile(path, key);
      writeFileSync(file, damaged(readFileSync(file), damage));
      await Promise.resolve();
    },
    [Symbol.asyncDispose]: () => {
      dir[Symbol.dispose]();
      return Promise.resolve();
    },
  });
};
