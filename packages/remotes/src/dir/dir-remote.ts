import { statfsSync } from 'node:fs';
import type { Random, Remote } from '@cachelane/core';
import { dirHeads } from './dir-heads.ts';
import { dirLooks, realDirFiles, type DirFiles, type DirLook } from './dir-files.ts';
import { dirObjects } from './dir-objects.ts';
import type { DirPlace } from './dir-place.ts';

export interface DirRemoteOptions {
  /** Absolute; it is there already. */
  readonly path: string;
  readonly random: Random;
  /** Told of a call that is left alone: a thread of this process waits for a file system that does not answer, and may do so for ever. */
  readonly onAbandoned?: (work: Promise<unknown>) => void;
  /** For tests that let a process die between two steps. */
  readonly files?: DirFiles;
}

/**
 * A remote in a directory, also one on a network file system. No lock of the file system is relied on: what must happen once is link(2).
 */
export function openDirRemote({
  path,
  random,
  onAbandoned = () => undefined,
  files = realDirFiles,
}: DirRemoteOptions): Remote {
  const place: DirPlace = { root: path, name: `dir:${path}`, files, random, onAbandoned, look: sharedLook(path) };
  return {
    name: place.name,
    lagMs: lagOf(path),
    objects: dirObjects(place),
    heads: dirHeads(place),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** ext4, xfs, btrfs, tmpfs, overlayfs, zfs: what only one machine has mounted shows what is. */
const ownFileSystems: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1,
]);

/** Twice what NFS keeps names and times for, unless it is told otherwise; for any other file system that is not known. */
const networkLagMs = 120_000;

function lagOf(path: string): number {
  try {
    return ownFileSystems.has(statfsSync(path).type) ? 0 : networkLagMs;
  } catch {
    // It is not there: nothing will be asked of it.
    return networkLagMs;
  }
}

function sharedLook(path: string): () => Promise<DirLook> {
  let looking: Promise<DirLook> | undefined;
  return () =>
    (looking ??= dirLooks.stat(path).finally(() => {
      looking = undefined;
    }));
}
