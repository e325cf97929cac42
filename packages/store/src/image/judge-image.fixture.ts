import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Entry } from '@cachelane/core';
import type { Listed } from './list-tree.fixture.ts';

// What other programs report about an image: the kernel, erofs-utils, diff, Python.

/** Counts of an image's contents. The directories include the root. */
export interface ImageFigures {
  readonly all: number;
  readonly files: number;
  readonly directories: number;
  readonly symlinks: number;
  readonly whiteouts: number;
  readonly fileBytes: number;
}

/** Returns the counts from the index. */
export function figuresOf(entries: Iterable<Entry>): ImageFigures {
  const figures = { all: 1, files: 0, directories: 1, symlinks: 0, whiteouts: 0, fileBytes: 0 };
  for (const { type, removed, form, sizeBytes } of entries) {
    if (removed === 'hint' || form === 'delta') continue;
    figures.all += 1;
    if (removed === 'counted') figures.whiteouts += 1;
    else if (type === 'dir') figures.directories += 1;
    else if (type === 'symlink') figures.symlinks += 1;
    else {
      figures.files += 1;
      figures.fileBytes += sizeBytes;
    }
  }
  return figures;
}

/** Returns the counts of `dump.erofs`, which walks all directories of the image. */
export function dumpedFigures(image: string): ImageFigures {
  const told = execFileSync('dump.erofs', ['-S', image], { encoding: 'utf8' });
  const figure = (name: string): number => Number(new RegExp(String.raw`${name}:\s+(\d+)`).exec(told)?.[1]);
  return {
    all: figure('total file count'),
    files: figure('regular file count'),
    directories: figure('directory count'),
    symlinks: figure('symlink file count'),
    whiteouts: figure('char dev count'),
    fileBytes: figure('total original file size'),
  };
}

export interface SuperblockFigures {
  readonly blockBytes: number;
  readonly imageBytes: number;
  readonly inodes: number;
}

export function dumpedSuperblock(image: string): SuperblockFigures {
  const told = execFileSync('dump.erofs', ['-s', image], { encoding: 'utf8' });
  const figure = (name: string): number => Number(new RegExp(String.raw`Filesystem ${name}:\s+(\d+)`).exec(told)?.[1]);
  const blockBytes = figure('blocksize');
  return { blockBytes, imageBytes: figure('blocks') * blockBytes, inodes: figure('inode count') };
}

/** Throws the findings of `fsck.erofs`, which also reads all contents. */
export function requireSound(image: string): void {
  execFileSync('fsck.erofs', ['--extract', image], { stdio: 'pipe' });
}

const lister = join(import.meta.dirname, 'list-tree.fixture.ts');
const maxBuffer = 1 << 29;

/** Returns the output of a shell script in its own mount namespace. */
function unshared(script: string, args: readonly string[]): string {
  return execFileSync('unshare', ['--mount', 'sh', '-euc', script, 'sh', ...args], { maxBuffer, encoding: 'utf8' });
}

/** Returns the {@link listTree} of each directory that the script lists with `list`. */
function listed(script: string, args: readonly string[]): readonly (readonly Listed[])[] {
  const list = 'program=$1 lister=$2; shift 2; list() { exec "$program" "$lister" "$@"; }';
  return JSON.parse(
    unshared(`${list}; ${script}`, [process.execPath, lister, ...args]),
  ) as readonly (readonly Listed[])[];
}

/** Returns the listing of the image, mounted at `dir`. */
export function mounted(image: string, dir: string): readonly Listed[] {
  const [seen] = listed('mount -t erofs -o ro "$1" "$2"; list "$2"', [image, dir]);
  return seen ?? [];
}

/**
 * Throws if `diff` finds different contents, targets, names or kinds. Compares through overlays, because `diff`
 * reports any two whiteouts as different.
 */
export function requireSameContent(image: string, treeDir: string, dir: string): void {
  const script = `
    mount -t tmpfs none "$2"; cd "$2"; mkdir top empty image tree
    mount -t erofs -o ro "$1" top
    mount -t overlay -o lowerdir=top:empty none image
    mount -t overlay -o "lowerdir=$3:empty" none tree
    diff -r --no-dereference image tree >&2`;
  unshared(script, [image, dir, treeDir]);
}

/** Returns all attributes below a directory, as Python sees them. Paths and names have one character per byte. */
const attributesOf = `
import json, os, sys
found = {}
for at, dirs, files in os.walk(os.fsencode(sys.argv[1])):
    for path in [os.path.join(at, name) for name in dirs + files]:
        names = os.listxattr(path, follow_symlinks=False)
        if names:
            values = {name: os.getxattr(path, name, follow_symlinks=False).decode('latin1') for name in sorted(names)}
            found[os.path.relpath(path, os.fsencode(sys.argv[1])).decode('latin1')] = values
json.dump(found, sys.stdout, sort_keys=True)
`;

/** By path and name. */
export type Attributes = Readonly<Record<string, Readonly<Record<string, string>>>>;

export function attributesIn(dir: string): Attributes {
  return JSON.parse(execFileSync('python3', ['-c', attributesOf, dir], { maxBuffer }).toString()) as Attributes;
}

export function attributesInMounted(image: string, dir: string): Attributes {
  const script = 'mount -t erofs -o ro "$1" "$2"; exec python3 -c "$3" "$2"';
  return JSON.parse(unshared(script, [image, dir, attributesOf])) as Attributes;
}

export interface Overlays {
  readonly image: string;
  /** The same layer as a tree. */
  readonly tree: string;
  readonly below: string;
  /** An empty directory to mount in. */
  readonly dir: string;
}

/**
 * Returns overlay views of a layer over another directory, as an image and as a tree: first for mounts by root
 * (trusted attributes), then for users (bubblewrap).
 */
export function overlaid({ image, tree, below, dir }: Overlays): readonly (readonly Listed[])[] {
  // A tmpfs, so that nothing remains.
  const script = `
    mount -t tmpfs none "$4"; cd "$4"; mkdir image image-1 tree-1 image-2 tree-2
    mount -t erofs -o ro "$1" image
    mount -t overlay -o "lowerdir=image:$3" none image-1
    mount -t overlay -o "lowerdir=$2:$3" none tree-1
    mount -t overlay -o "userxattr,lowerdir=image:$3" none image-2
    mount -t overlay -o "userxattr,lowerdir=$2:$3" none tree-2
    list image-1 tree-1 image-2 tree-2`;
  return listed(script, [image, tree, below, dir]);
}
