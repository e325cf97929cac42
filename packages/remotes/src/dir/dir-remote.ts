import { statfsSync } from 'node:fs';
import type { Random, Remote } from '@cachelane/core';
import { dirHeads } from './dir-heads.ts';
import { dirLooks, realDirFiles, type DirFiles, type DirLook } from './dir-files.ts';
import { dirObjects } from './dir-objects.ts';
import type { DirPlace } from './dir-place.ts';

export interface DirRemoteOptions {
  /** Absolute path of an existing directory. */
  readonly path: string;
  readonly random: Random;
  /** Called with an abandoned call: one thread waits for a file system that does not answer, perhaps forever. */
  readonly onAbandoned?: (work: Promise<unknown>) => void;
  /** For tests that simulate a crash between two steps. */
  readonly files?: DirFiles;
}

/** Opens a remote in a directory, also on a network file system. It relies on link(2), not on file locks. */
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

/** ext4, xfs, btrfs, tmpfs, overlayfs, zfs: local file systems without lag. */
const ownFileSystems: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1,
]);

/** Twice the default NFS cache time; also used for unknown file systems. */
const networkLagMs = 120_000;

function lagOf(path: string): number {
  try {
    return ownFileSystems.has(statfsSync(path).type) ? 0 : networkLagMs;
  } catch {
    // It does not exist, so nothing will be read from it.
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
