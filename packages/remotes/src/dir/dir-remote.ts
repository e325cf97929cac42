import type { Random, Remote } from '@cachelane/core';
import { dirHeads } from './dir-heads.ts';
import { realDirFiles, type DirFiles } from './dir-files.ts';
import { dirObjects } from './dir-objects.ts';
import type { DirPlace } from './dir-place.ts';

export interface DirRemoteOptions {
  /** Absolute; it is there already. */
  readonly path: string;
  readonly random: Random;
  /** For tests that let a process die between two steps. */
  readonly files?: DirFiles;
}

/**
 * A remote in a directory, also one on a network file system. No lock of the file system is relied on: what must happen once is link(2).
 */
export function openDirRemote({ path, random, files = realDirFiles }: DirRemoteOptions): Remote {
  const place: DirPlace = { root: path, name: `dir:${path}`, files, random };
  return {
    name: place.name,
    objects: dirObjects(place),
    heads: dirHeads(place),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
