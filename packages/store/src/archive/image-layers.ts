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
  /** An empty directory that nothing else uses. */
  readonly dir: string;
  /** Limit for the content of all files together. */
  readonly maxBytes: number;
  /** Why this is the limit, for the message. */
  readonly why?: string;
  /** Limit for all names together. Default: `limits.providedImageNameBytes`. */
  readonly maxNameBytes?: number;
  /** Default: `limits.incomingEntries`. */
  readonly maxDirs?: number;
}

export interface UnpackedImage {
  /** Symlinks skipped because they lead out. */
  readonly linksLeftOut: number;
}

const whiteout = '.wh.';
const opaque = '.wh..wh..opq';

/**
 * Unpacks the layers of a container image over each other into a directory, lowest first.
 * Input is untrusted. Errors, which leave a partial tree: E_LAYER_REFUSED with the name of a member that leads out or
 * is special, E_USAGE for an invalid archive, E_LIMIT, E_DISK_FULL, E_ABORTED.
 */
export async function unpackImageLayers(
  layers: readonly string[],
  {
    dir,
    maxBytes,
    why = 'this is the limit of the request',
    maxNameBytes = limits.providedImageNameBytes,
    ...most
  }: ImageUnpacking,
  signal: AbortSignal,
): Promise<UnpackedImage> {
  const tree = new MemberTree(dir, most);
  const bound = new Bound({ maxBytes, why, maxNameBytes });
  for (const layer of layers) {
    // Apply all whiteouts of a layer before its files: they delete only what lower layers hold.
    await takeAway(tree, bound, { layer, signal });
    for await (const member of readLayer(layer, signal)) {
      const path = pathOf(member);
      if (path === '' || isWhiteout(path)) continue;
      await place(tree, path, { ...member, data: bound.within(member.data) });
    }
  }
  return { linksLeftOut: await tree.finish(signal) };
}

/** A build step that changes nothing makes a layer without members. */
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
    // Other names with this prefix are notes of the program that made the layer.
    if (name === opaque) await tree.empty(parentPath(path));
    else if (!name.startsWith('.wh..wh.')) await tree.remove(hiddenBy(path, member));
  }
}

function isWhiteout(path: BytePath): boolean {
  return baseName(path).startsWith(whiteout);
}

function hiddenBy(path: BytePath, member: ArchiveMember): BytePath {
  const name = baseName(path).slice(whiteout.length);
  if (name === '' || name === '.' || name === '..') throw refusedMember(member.name, 'is an invalid whiteout');
  return childPath(parentPath(path), name);
}

function pathOf({ name }: Pick<ArchiveMember, 'name'>): BytePath {
  if (name.split('/').includes('..')) throw refusedMember(name, 'leads out of its directory');
  const below = belowRoot('', name);
  if (below === null) throw refusedMember(name, 'is absolute');
  return below === '' ? ('' as BytePath) : parseBytePath(below);
}

/** Places a member over what lower layers have there. */
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
      throw refusedMember(member.name, `is a hard link to ${target}, which no earlier member has`);
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
  return new CachelaneError('E_LIMIT', `its layers have ${what}`, {
    hint: 'make an image that contains only the cache',
  });
}
