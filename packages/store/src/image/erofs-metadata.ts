import { invariant, type Entry } from '@cachelane/core';
import { markNamespaces } from '../files/markers.ts';
import type { Owner } from '../files/store-files.ts';
import { archiveBytes, archivePlaces, type ArchivePlace, type ArchivePlan } from '../tar/archive-plan.ts';
import { HeaderSpace, tarHeader } from '../tar/tar-entries.ts';
import {
  align,
  blockBytes,
  direntBytes,
  encodeHead,
  encodeXattrs,
  fileTypes,
  imageHeadBytes,
  inodeBytes,
  slotBytes,
  writeInode,
  type InodeFields,
} from './erofs-format.ts';
import { ImageTree, type ImageDirectory } from './image-tree.ts';

/** Reads from the uncompressed archive, which alone contains the targets of symlinks. */
export type ReadArchive = (at: number, count: number) => Buffer;

export interface ImageParts {
  readonly head: Buffer;
  /** Parts that follow the archive, one after the other from {@link metaAt} on. Zeros fill the rest. */
  readonly body: readonly Buffer[];
  readonly metaAt: number;
  readonly imageBytes: number;
}

/** Where a symlink's target goes. */
interface TargetPlace extends ArchivePlace {
  readonly at: number;
}

/** Block numbers have 32 bits. Inodes and directories take far less space than the archive's headers. */
const imageBytesMax = 2 ** 32 * blockBytes;

export function fitsImage(archiveBytes: number): boolean {
  return archiveBytes * 2 < imageBytesMax;
}

const chunkBytes = 1 << 20;
/** The kernel never uses inode 0. */
const firstSlotAt = inodeBytes;

/**
 * Builds the metadata that makes a layer's archive a file system, while the archive arrives. Needs only the index,
 * and the targets of symlinks.
 */
export class ImageMetadata {
  readonly #archiveBytes: number;
  readonly #owner: Owner;
  readonly #places: Iterator<ArchivePlace>;
  readonly #count: number;
  readonly #tree = new ImageTree();
  readonly #chunks: Buffer[] = [];
  readonly #targets: TargetPlace[] = [];
  #added = 0;
  #used = firstSlotAt;
  #inodes = 1;

  constructor(plan: ArchivePlan, owner: Owner) {
    this.#archiveBytes = archiveBytes(plan);
    this.#owner = owner;
    this.#places = archivePlaces(plan);
    this.#count = plan.index.count;
    // The superblock has 16 bits for the root's inode number.
    this.#tree.root.inode = this.#take(inodeBytes + align(xattrsOf(this.#tree.root).length, 4)) / slotBytes;
  }

  /** Adds the entries before this place of the index. */
  add(place: number): void {
    for (; this.#added < place; this.#added++) {
      const { value, done } = this.#places.next();
      invariant(done !== true, 'an entry after the last one');
      this.#add(value);
    }
  }

  /** Adds the remaining entries and returns the finished parts. */
  finish(read: ReadArchive): ImageParts {
    this.add(this.#count);
    const space = new HeaderSpace();
    for (const { headAt, at, ...wire } of this.#targets) {
      const { targetAt } = tarHeader(wire, space);
      this.#write(at, read(headAt + (targetAt ?? 0), wire.entry.sizeBytes));
    }
    const metaAt = align(imageHeadBytes + this.#archiveBytes, blockBytes);
    this.#addDirectories(metaAt);
    const bodyBytes = align(this.#used, blockBytes);
    const imageBytes = align(metaAt + bodyBytes, imageHeadBytes);
    const head = encodeHead({
      rootInode: this.#tree.root.inode,
      inodes: this.#inodes,
      blocks: imageBytes / blockBytes,
      metaBlock: metaAt / blockBytes,
    });
    return { head, body: this.#body(bodyBytes), metaAt, imageBytes };
  }

  #body(bodyBytes: number): readonly Buffer[] {
    const lastBytes = bodyBytes - (this.#chunks.length - 1) * chunkBytes;
    return this.#chunks.map((chunk, i) => (i === this.#chunks.length - 1 ? chunk.subarray(0, lastBytes) : chunk));
  }

  #add(place: ArchivePlace): void {
    const { entry, contentAt } = place;
    const { path, type, removed, form } = entry;
    if (removed === 'hint' || form === 'delta') return;
    if (removed === 'counted') {
      const inode = this.#inode(entry, { kind: 'charDevice', mode: 0, sizeBytes: 0, block: 0 });
      this.#tree.add(path, inode, fileTypes.charDevice).holds = true;
    } else if (type === 'dir') {
      this.#tree.addDirectory(entry);
    } else if (type === 'symlink') {
      this.#tree.add(path, this.#symlink(place), fileTypes.symlink);
    } else {
      const { mode, sizeBytes } = entry;
      const block = sizeBytes === 0 ? 0 : (imageHeadBytes + contentAt) / blockBytes;
      this.#tree.add(path, this.#inode(entry, { kind: 'file', mode, sizeBytes, block }), fileTypes.file);
    }
  }

  #inode(entry: Entry, fields: Pick<InodeFields, 'kind' | 'mode' | 'sizeBytes' | 'block'>): number {
    const at = this.#take(inodeBytes);
    this.#put(at, { ...fields, layout: 'plain', mtimeNs: entry.mtimeNs, links: 1, xattrBytes: 0 });
    this.#inodes += 1;
    return at / slotBytes;
  }

  /** A target that does not fit after its inode gets its own blocks. */
  #symlink(place: ArchivePlace): number {
    const { entry } = place;
    const { sizeBytes } = entry;
    const isInline = inodeBytes + sizeBytes <= blockBytes;
    const at = this.#take(inodeBytes + (isInline ? sizeBytes : 0));
    const own = isInline ? at + inodeBytes : this.#takeBlocks(sizeBytes);
    this.#targets.push({ ...place, at: own });
    this.#put(at, {
      kind: 'symlink',
      layout: isInline ? 'inline' : 'plain',
      mode: 0o777,
      sizeBytes,
      block: isInline ? 0 : this.#blockAt(own),
      mtimeNs: entry.mtimeNs,
      links: 1,
      xattrBytes: 0,
    });
    this.#inodes += 1;
    return at / slotBytes;
  }

  #blockAt(at: number): number {
    return (align(imageHeadBytes + this.#archiveBytes, blockBytes) + at) / blockBytes;
  }

  #addDirectories(metaAt: number): void {
    const planned = [...this.#tree.directories()].map((directory) => this.#plan(directory));
    this.#inodes += planned.length - 1;
    for (const plan of planned) this.#finish(plan, metaAt);
  }

  /** Assigns all inode numbers before writing any inode, because directories contain them. */
  #plan(directory: ImageDirectory): PlannedDirectory {
    const listing = listingOf(directory);
    const xattrs = xattrsOf(directory);
    const ownBytes = inodeBytes + xattrs.length;
    const isInline = ownBytes + listing.tailBytes <= blockBytes;
    const at =
      directory.parent === null
        ? directory.inode * slotBytes
        : this.#take(ownBytes + (isInline ? listing.tailBytes : 0));
    directory.inode = at / slotBytes;
    return { directory, listing, xattrs, at, isInline: isInline && directory.parent !== null };
  }

  #finish({ directory, listing, xattrs, at, isInline }: PlannedDirectory, metaAt: number): void {
    const { entry } = directory;
    const sizeBytes = (listing.starts.length - 1) * blockBytes + listing.tailBytes;
    const blocks = listing.starts.length - (isInline ? 1 : 0);
    const blocksAt = blocks === 0 ? 0 : this.#takeBlocks(blocks * blockBytes);
    for (let block = 0; block < listing.starts.length; block++) {
      const bytes = encodeBlock(directory, listing, block);
      const isTail = block === listing.starts.length - 1;
      this.#write(isTail && isInline ? at + inodeBytes + xattrs.length : blocksAt + block * blockBytes, bytes);
    }
    this.#put(at, {
      kind: 'dir',
      layout: isInline ? 'inline' : 'plain',
      mode: entry?.mode ?? 0o755,
      sizeBytes,
      block: blocks === 0 ? 0 : (metaAt + blocksAt) / blockBytes,
      // The index has no root entry, and a view shows another root.
      mtimeNs: entry?.mtimeNs ?? 0n,
      links: 2 + directory.types.filter((type) => type === fileTypes.dir).length,
      xattrBytes: xattrs.length,
    });
    this.#write(at + inodeBytes, xattrs);
  }

  #put(at: number, fields: Omit<InodeFields, 'inode' | 'owner'>): void {
    const bytes = Buffer.alloc(inodeBytes);
    writeInode(bytes, 0, { ...fields, inode: at / slotBytes, owner: this.#owner });
    this.#write(at, bytes);
  }

  /** Keeps an inode and what follows it in one block, unless it is larger than a block. */
  #take(count: number): number {
    const left = blockBytes - (this.#used % blockBytes);
    if (left < Math.min(count, blockBytes)) this.#used += left;
    const at = this.#used;
    this.#used = align(at + count, slotBytes);
    this.#grow();
    return at;
  }

  #takeBlocks(count: number): number {
    const at = align(this.#used, blockBytes);
    this.#used = align(at + count, blockBytes);
    this.#grow();
    return at;
  }

  #grow(): void {
    while (this.#chunks.length * chunkBytes < this.#used) this.#chunks.push(Buffer.alloc(chunkBytes));
  }

  #write(at: number, bytes: Buffer): void {
    for (let done = 0; done < bytes.length;) {
      const chunk = this.#chunks[Math.floor((at + done) / chunkBytes)] as Buffer;
      done += bytes.copy(chunk, (at + done) % chunkBytes, done);
    }
  }
}

interface PlannedDirectory {
  readonly directory: ImageDirectory;
  readonly listing: Listing;
  readonly xattrs: Buffer;
  readonly at: number;
  readonly isInline: boolean;
}

/** The names of a directory in byte order, divided into blocks. */
interface Listing {
  /** Numbers of children in order. -1 is the directory itself, -2 its parent. */
  readonly order: readonly number[];
  /** For each block, its first position in `order`. */
  readonly starts: readonly number[];
  readonly tailBytes: number;
}

const self = -1;
const above = -2;

function nameOf({ names }: ImageDirectory, child: number): string {
  if (child === self) return '.';
  return child === above ? '..' : (names[child] as string);
}

function listingOf(directory: ImageDirectory): Listing {
  const order = [self, above, ...directory.names.keys()].toSorted((a, b) =>
    nameOf(directory, a) < nameOf(directory, b) ? -1 : 1,
  );
  const starts: number[] = [];
  let used = blockBytes;
  for (const [position, child] of order.entries()) {
    const needs = direntBytes + nameOf(directory, child).length;
    if (used + needs > blockBytes) {
      starts.push(position);
      used = 0;
    }
    used += needs;
  }
  return { order, starts, tailBytes: used };
}

function encodeBlock(directory: ImageDirectory, { order, starts }: Listing, block: number): Buffer {
  const children = order.slice(starts[block], starts[block + 1]);
  let nameAt = children.length * direntBytes;
  const bytes = Buffer.alloc(nameAt + children.reduce((sum, child) => sum + nameOf(directory, child).length, 0));
  for (const [position, child] of children.entries()) {
    const at = position * direntBytes;
    bytes.writeBigUInt64LE(BigInt(inodeOf(directory, child)), at);
    bytes.writeUInt16LE(nameAt, at + 8);
    bytes[at + 10] = child < 0 ? fileTypes.dir : (directory.types[child] as number);
    nameAt += bytes.write(nameOf(directory, child), nameAt, 'latin1');
  }
  return bytes;
}

function inodeOf(directory: ImageDirectory, child: number): number {
  if (child === self) return directory.inode;
  if (child === above) return (directory.parent ?? directory).inode;
  const found = directory.children[child] as ImageDirectory | number;
  return typeof found === 'number' ? found : found.inode;
}

/** Returns overlay marks like those of a tree, for both kinds of mount. */
function xattrsOf({ entry, holds, parent }: ImageDirectory): Buffer {
  const xattrs = new Map<string, string>();
  for (const namespace of markNamespaces) {
    if (entry?.removed === 'below') xattrs.set(`${namespace}opaque`, 'y');
    // The root is always merged with the command's own directory.
    if (holds && parent !== null) xattrs.set(`${namespace}origin`, '');
  }
  return encodeXattrs(xattrs);
}
