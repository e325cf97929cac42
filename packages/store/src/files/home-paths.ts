import { lstatSync, mkdirSync, statSync } from 'node:fs';
import { CachelaneError, type Digest } from '@cachelane/core';
import { errnoOf } from './file-errors.ts';
import type { Owner, StoreFiles } from './store-files.ts';

/** Paths in a home (docs/reference/store-format.md, "Layers"). */
export interface HomePaths {
  readonly layers: string;
  readonly derived: string;
  readonly staging: string;
  readonly trash: string;
  readonly sessions: string;
  /** Kept directories of the mounters `clone` and `live`. */
  readonly kept: string;
  /** Data in transit to and from a remote. */
  readonly outgoing: string;
  readonly incoming: string;
  /** Images of registries that are sources of volumes. */
  readonly images: string;
  /** Notes about directories that volumes are seeded from. */
  readonly seeds: string;
}

export function homePaths(home: string): HomePaths {
  return {
    layers: `${home}/layers`,
    derived: `${home}/derived`,
    staging: `${home}/staging`,
    trash: `${home}/trash`,
    sessions: `${home}/sessions`,
    kept: `${home}/kept`,
    outgoing: `${home}/outgoing`,
    incoming: `${home}/incoming`,
    images: `${home}/images`,
    seeds: `${home}/seeds`,
  };
}

/** Returns the paths in the directory of a layer or derived layer, published or not. */
export function layerPaths(dir: string): {
  readonly index: string;
  readonly about: string;
  readonly tree: string;
  readonly delta: string;
  /** Contains everything the tree would have. `tree` is then its mount point. */
  readonly image: string;
} {
  return {
    index: `${dir}/index`,
    about: `${dir}/layer.json`,
    tree: `${dir}/tree`,
    delta: `${dir}/delta`,
    image: `${dir}/image.erofs`,
  };
}

export function deltaFile(dir: string, digest: Digest): string {
  return `${layerPaths(dir).delta}/${digest}`;
}

/**
 * Returns the user who should own new files, or null if that is the current user. A home belongs to one user, even
 * while root works in it (`sudo`, a container).
 */
export function ownerOf(home: string): Owner | null {
  if (process.geteuid?.() !== 0) return null;
  const { uid, gid } = statSync(home);
  return { uid, gid };
}

/** Creates one of the home's own directories if it is missing. */
export function ensureHomeDir(files: StoreFiles, path: string, owner: Owner | null): void {
  makeHomeDir(files, { path, mode: 0o755 }, owner);
}

/**
 * Creates a private directory if it is missing. Throws E_HOME_UNUSABLE if something else, such as a symlink, is
 * there.
 */
export function ensurePrivateDir(files: StoreFiles, path: string, owner: Owner | null): void {
  makeHomeDir(files, { path, mode: 0o700 }, owner);
  if (!lstatSync(path).isDirectory())
    throw new CachelaneError('E_HOME_UNUSABLE', `${path} is not a directory`, {
      hint: 'move it away and run the command again',
    });
}

interface NewHomeDir {
  readonly path: string;
  readonly mode: number;
}

function makeHomeDir(files: StoreFiles, { path, mode }: NewHomeDir, owner: Owner | null): void {
  try {
    files.makeDir(path, mode);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return;
    if (errnoOf(error) !== 'ENOENT') throw error;
    // The home itself is missing.
    mkdirSync(path, { recursive: true, mode: 0o700 });
  }
  if (owner !== null) files.setOwner(path, owner);
}
