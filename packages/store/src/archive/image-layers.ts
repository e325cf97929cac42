import { basename, dirname } from 'node:path';
import { CachelaneError, displayPath, limits, parseBytePath, type BytePath } from '@cachelane/core';
import { belowRoot, type ArchiveMember } from './archive-member.ts';
import { MemberTree, refusedMember } from './member-tree.ts';
import { readArchive } from './read-archive.ts';

export interface ImageUnpacking {
  /** Empty, and nobody else's. */
  readonly dir: string;
  /** Of all files together, whatever becomes of them. */
  readonly maxBytes: number;
}

export interface UnpackedImage {
  /** Symlinks that lead out. */
  readonly linksLeftOut: number;
}

/** What a layer takes away of those below it. */
interface Whiteouts {
  readonly removed: readonly BytePath[];
  /** Directories that begin with nothing. */
  readonly emptied: readonly BytePath[];
}

const whiteout = '.wh.';
const opaque = '.wh..wh..opq';

/**
 * Puts the layers of a container image over each other, the lowest first, in a directory and nowhere else. Nothing of them is believed: what leads out, devices, and more than was agreed on ends in an error,
 * and what is there then is half of something. Errors: E_LAYER_REFUSED with the name, E_USAGE for what is no archive, E_LIMIT, E_DISK_FULL, E_ABORTED.
 */
export async function unpackImageLayers(
  layers: readonly string[],
  { dir, maxBytes }: ImageUnpacking,
  signal: AbortSignal,
): Promise<UnpackedImage> {
  const tree = new MemberTree(dir);
  const bound = new Bound(maxBytes);
  for (const layer of layers) {
    const { removed, emptied } = await whiteoutsOf(layer, signal);
    for (const path of emptied) tree.empty(path);
    for (const path of removed) tree.remove(path);
    for await (const member of readArchive(layer, signal)) {
      bound.takeEntry();
      const path = pathOf(member);
      if (path === '' || basename(path).startsWith(whiteout)) continue;
      await place(tree, path, { ...member, data: bound.within(member.data) });
    }
  }
  return { linksLeftOut: tree.finish() };
}

async function whiteoutsOf(layer: string, signal: AbortSignal): Promise<Whiteouts> {
  const removed: BytePath[] = [];
  const emptied: BytePath[] = [];
  for await (const member of readArchive(layer, signal)) {
    const path = pathOf(member);
    const name = basename(path);
    if (!name.startsWith(whiteout)) continue;
    const holder = dirname(path) === '.' ? '' : dirname(path);
    // Others that begin so are notes of the program that made the layer.
    if (name === opaque) emptied.push(holder as BytePath);
    else if (!name.startsWith('.wh..wh.')) removed.push(hiddenBy(holder, name.slice(whiteout.length), member));
  }
  return { removed, emptied };
}

function hiddenBy(holder: string, name: string, member: ArchiveMember): BytePath {
  if (name === '' || name === '.' || name === '..') throw refusedMember(member.name, 'takes nothing away');
  return parseBytePath(holder === '' ? name : `${holder}/${name}`);
}

function pathOf({ name }: Pick<ArchiveMember, 'name'>): BytePath {
  if (name.split('/').includes('..')) throw refusedMember(name, 'leads up out of where it lies');
  const below = belowRoot('', name);
  if (below === null) throw refusedMember(name, 'is absolute');
  return below === '' ? ('' as BytePath) : parseBytePath(below);
}

/** Over whatever lower layers have there. */
async function place(tree: MemberTree, path: BytePath, member: ArchiveMember): Promise<void> {
  switch (member.kind) {
    case 'dir':
      tree.removeUnless('dir', path);
      return tree.addDir(path, member);
    case 'file':
      tree.removeUnless('file', path);
      return await tree.addFile(path, member);
    case 'symlink':
      tree.removeUnless('file', path);
      return tree.addSymlink(path, member);
    case 'hard link': {
      tree.removeUnless('file', path);
      if (tree.addHardLink(path, pathOf({ name: member.linkName }))) return;
      const target = displayPath(member.linkName as BytePath);
      throw refusedMember(member.name, `is a hard link to ${target}, which does not come before it`);
    }
    case 'special':
      throw refusedMember(member.name, `is ${member.what}`);
  }
}

class Bound {
  readonly #maxBytes: number;
  #bytes = 0;
  #entries = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  takeEntry(): void {
    this.#entries += 1;
    if (this.#entries > limits.incomingEntries) throw tooLarge(`more than ${limits.incomingEntries} entries`);
  }

  async *within(data: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const part of data) {
      this.#bytes += part.length;
      if (this.#bytes > this.#maxBytes) throw tooLarge(`more than ${this.#maxBytes} bytes`);
      yield part;
    }
  }
}

function tooLarge(what: string): CachelaneError {
  return new CachelaneError('E_LIMIT', `its layers have ${what}`, { hint: 'make an image of the cache alone' });
}
