import { lstatSync, mkdirSync, statSync } from 'node:fs';
import { CachelaneError, type Digest } from '@cachelane/core';
import { errnoOf } from './file-errors.ts';
import type { Owner, StoreFiles } from './store-files.ts';

/** Where things lie in a home (docs/reference/store-format.md, "Layers"). */
export interface HomePaths {
  readonly layers: string;
  readonly derived: string;
  readonly staging: string;
  readonly trash: string;
  readonly sessions: string;
  /** Directories of the mounters that do not mount. */
  readonly kept: string;
  /** Bytes on their way to and from a remote. */
  readonly outgoing: string;
  readonly incoming: string;
  /** What images of registries hold, for volumes that begin with it. */
  readonly images: string;
  /** What is known of directories that volumes are seeded from. */
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

/** Of a layer's or derived layer's directory, published or not. */
export function layerPaths(dir: string): {
  readonly index: string;
  readonly about: string;
  readonly tree: string;
  readonly delta: string;
  /** With everything that the tree would have, where that is what an image is mounted on. */
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
 * Who shall own what we make: null where the kernel does that by itself. A home belongs to one user, also while root works
 * in it (`sudo`, a container): what root makes is handed over.
 */
export function ownerOf(home: string): Owner | null {
  if (process.geteuid?.() !== 0) return null;
  const { uid, gid } = statSync(home);
  return { uid, gid };
}

/** Makes one of the home's own directories where it is missing. */
export function ensureHomeDir(files: StoreFiles, path: string, owner: Owner | null): void {
  makeHomeDir(files, { path, mode: 0o755 }, owner);
}

/** The same for one whose contents are nobody else's business, and which must not lead anywhere else. */
export function ensurePrivateDir(files: StoreFiles, path: string, owner: Owner | null): void {
  makeHomeDir(files, { path, mode: 0o700 }, owner);
  if (!lstatSync(path).isDirectory())
    throw new CachelaneError('E_HOME_UNUSABLE', `${path} is not a directory`, {
      hint: 'move it away: it is made anew',
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
