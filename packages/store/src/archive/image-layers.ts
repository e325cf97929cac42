import {
  baseName,
  CachelaneError,
  childPath,
  displayPath,
  formatPolicyValue,
  limits,
  parentPath,
  parseBytePath,
  type BytePath,
} from '@cachelane/core';
import { belowRoot, type ArchiveMember } from './archive-member.ts';
import { MemberTree, refusedMember } from './member-tree.ts';
import { readArchive } from './read-archive.ts';

export interface ImageUnpacking {
  /** Empty, and nobody else's. */
  readonly dir: string;
  /** Of all files together, whatever becomes of them. */
  readonly maxBytes: number;
  /** Why they may be no more, for people; left out: that was agreed on. */
  readonly why?: string;
  /** Of all names together; `limits.providedImageNameBytes` when left out. */
  readonly maxNameBytes?: number;
  /** `limits.incomingEntries` when left out. */
  readonly maxDirs?: number;
}

export interface UnpackedImage {
  /** Symlinks that lead out. */
  readonly linksLeftOut: number;
}

const whiteout = '.wh.';
const opaque = '.wh..wh..opq';

/**
 * Puts the layers of a container image over each other, the lowest first, in a directory and nowhere else. Nothing of them is believed: what leads out, devices, and more than was agreed on ends in an error,
 * and what is there then is half of something. Errors: E_LAYER_REFUSED with the name, E_USAGE for what is no archive, E_LIMIT, E_DISK_FULL, E_ABORTED.
 */
export async function unpackImageLayers(
  layers: readonly string[],
  {
    dir,
    maxBytes,
    why = 'no more was agreed on',
    maxNameBytes = limits.providedImageNameBytes,
    ...most
  }: ImageUnpacking,
  signal: AbortSignal,
): Promise<UnpackedImage> {
  const tree = new MemberTree(dir, most);
  const bound = new Bound({ maxBytes, why, maxNameBytes });
  for (const layer of layers) {
    // While the tree holds lower layers alone: what a layer takes away is theirs, wherever it says so.
    await takeAway(tree, bound, { layer, signal });
    for await (const member of readLayer(layer, signal)) {
      const path = pathOf(member);
      if (path === '' || isWhiteout(path)) continue;
      await place(tree, path, { ...member, data: bound.within(member.data) });
    }
  }
  return { linksLeftOut: await tree.finish(signal) };
}

/** A step that changed nothing has a layer without members. */
const readLayer = (layer: string, signal: AbortSignal): AsyncIterable<ArchiveMember> =>
  readArchive(layer, signal, { mayBeEmpty: true });

interface Layer {
  readonly layer: string;
  readonly signal: AbortSignal;
}

async function takeAway(tree: MemberTree, bound: Bound, { layer, signal }: Layer): Promise<void> {
  for await (const member of readLayer(layer, signal)) {
    bound.takeEntry(member);
    const path = pathOf(member);
    if (!isWhiteout(path)) continue;
    const name = baseName(path);
    // Others that begin so are notes of the program that made the layer.
    if (name === opaque) await tree.empty(parentPath(path));
    else if (!name.startsWith('.wh..wh.')) await tree.remove(hiddenBy(path, member));
  }
}

function isWhiteout(path: BytePath): boolean {
  return baseName(path).startsWith(whiteout);
}

function hiddenBy(path: BytePath, member: ArchiveMember): BytePath {
  const name = baseName(path).slice(whiteout.length);
  if (name === '' || name === '.' || name === '..') throw refusedMember(member.name, 'takes nothing away');
  return childPath(parentPath(path), name);
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
      await tree.removeUnless('dir', path);
      return tree.addDir(path, member);
    case 'file':
      await tree.removeUnless('file', path);
      return await tree.addFile(path, member);
    case 'symlink':
      await tree.removeUnless('file', path);
      return tree.addSymlink(path, member);
    case 'hard link': {
      await tree.removeUnless('file', path);
      if (tree.addHardLink(path, pathOf({ name: member.linkName }))) return;
      const target = displayPath(member.linkName as BytePath);
      throw refusedMember(member.name, `is a hard link to ${target}, which does not come before it`);
    }
    case 'special':
      throw refusedMember(member.name, `is ${member.what}`);
  }
}

class Bound {
  readonly #most: Required<Pick<ImageUnpacking, 'maxBytes' | 'why' | 'maxNameBytes'>>;
  #bytes = 0;
  #entries = 0;
  #nameBytes = 0;

  constructor(most: Required<Pick<ImageUnpacking, 'maxBytes' | 'why' | 'maxNameBytes'>>) {
    this.#most = most;
  }

  takeEntry({ name, linkName }: Pick<ArchiveMember, 'name' | 'linkName'>): void {
    this.#entries += 1;
    this.#nameBytes += name.length + linkName.length;
    const { maxNameBytes } = this.#most;
    if (this.#nameBytes > maxNameBytes) throw tooLarge(`more than ${maxNameBytes} bytes of names`);
    if (this.#entries > limits.incomingEntries) throw tooLarge(`more than ${limits.incomingEntries} entries`);
  }

  async *within(data: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const part of data) {
      this.#bytes += part.length;
      const { maxBytes, why } = this.#most;
      if (this.#bytes > maxBytes) throw tooLarge(`more than ${formatPolicyValue('volume-size', maxBytes)}: ${why}`);
      yield part;
    }
  }
}

function tooLarge(what: string): CachelaneError {
  return new CachelaneError('E_LIMIT', `its layers have ${what}`, { hint: 'make an image of the cache alone' });
}
