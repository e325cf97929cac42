// The part of the EROFS on-disk format that our images use: uncompressed, extended inodes, blocks of 512 bytes, so that
// contents in a tar archive are files in place (Linux, Documentation/filesystems/erofs.rst, fs/erofs/erofs_fs.h).

const blockBits = 9;
export const blockBytes: number = 1 << blockBits;
/** Bytes before the archive. They contain the superblock. */
export const imageHeadBytes = 4096;
/** The unit of inode numbers. */
export const slotBytes = 32;
export const inodeBytes = 64;
const superblockAt = 1024;
const magic = 0xe0_f5_e1_e2;

export const fileTypes = { file: 1, dir: 2, charDevice: 3, symlink: 7 } as const;
const modeBits = { file: 0o100000, dir: 0o040000, charDevice: 0o020000, symlink: 0o120000 } as const;

type NodeKind = keyof typeof fileTypes;

/** `plain`: content in its own blocks. `inline`: the last partial block of content follows the inode. */
type DataLayout = 'plain' | 'inline';

const layoutNumbers: Readonly<Record<DataLayout, number>> = { plain: 0, inline: 2 };

export interface InodeFields {
  readonly kind: NodeKind;
  readonly layout: DataLayout;
  readonly mode: number;
  readonly sizeBytes: number;
  /** First block of the content, or 0 without content. */
  readonly block: number;
  readonly inode: number;
  readonly owner: { readonly uid: number; readonly gid: number };
  readonly mtimeNs: bigint;
  readonly links: number;
  readonly xattrBytes: number;
}

/** Writes an inode into zeroed bytes. */
export function writeInode(bytes: Buffer, at: number, fields: InodeFields): void {
  const { kind, layout, mode, sizeBytes, block, inode, owner, mtimeNs, links, xattrBytes } = fields;
  // Bit 0: an extended inode.
  bytes.writeUInt16LE((layoutNumbers[layout] << 1) | 1, at);
  bytes.writeUInt16LE(xattrBytes === 0 ? 0 : 1 + (xattrBytes - xattrHeadBytes) / 4, at + 2);
  bytes.writeUInt16LE(modeBits[kind] | (mode & 0o7777), at + 4);
  bytes.writeUInt32LE(sizeBytes % 2 ** 32, at + 8);
  bytes.writeUInt32LE(Math.floor(sizeBytes / 2 ** 32), at + 12);
  bytes.writeUInt32LE(block, at + 16);
  bytes.writeUInt32LE(inode % 2 ** 32, at + 20);
  bytes.writeUInt32LE(owner.uid, at + 24);
  bytes.writeUInt32LE(owner.gid, at + 28);
  const seconds = mtimeNs >= 0n ? mtimeNs / 1_000_000_000n : -((-mtimeNs + 999_999_999n) / 1_000_000_000n);
  bytes.writeBigInt64LE(seconds, at + 32);
  bytes.writeUInt32LE(Number(mtimeNs - seconds * 1_000_000_000n), at + 40);
  bytes.writeUInt32LE(links, at + 44);
}

const xattrHeadBytes = 12;
const xattrPrefixes = [
  ['user.', 1],
  ['trusted.', 4],
] as const;

/** Returns the attributes that follow an inode, or an empty buffer. */
export function encodeXattrs(xattrs: ReadonlyMap<string, string>): Buffer {
  if (xattrs.size === 0) return Buffer.alloc(0);
  const parts = [Buffer.alloc(xattrHeadBytes)];
  for (const [name, value] of xattrs) {
    const prefix = xattrPrefixes.find(([text]) => name.startsWith(text));
    if (prefix === undefined) throw new Error(`an image cannot hold the attribute ${name}`);
    const rest = name.slice(prefix[0].length);
    const entry = Buffer.alloc(align(4 + rest.length + value.length, 4));
    entry[0] = rest.length;
    entry[1] = prefix[1];
    entry.writeUInt16LE(value.length, 2);
    entry.write(rest, 4, 'latin1');
    entry.write(value, 4 + rest.length, 'latin1');
    parts.push(entry);
  }
  return Buffer.concat(parts);
}

export interface SuperblockFields {
  readonly rootInode: number;
  readonly inodes: number;
  readonly blocks: number;
  /** First block of the inodes. */
  readonly metaBlock: number;
}

/** Returns the first bytes of an image. */
export function encodeHead({ rootInode, inodes, blocks, metaBlock }: SuperblockFields): Buffer {
  const head = Buffer.alloc(imageHeadBytes);
  head.writeUInt32LE(magic, superblockAt);
  head[superblockAt + 12] = blockBits;
  head.writeUInt16LE(rootInode, superblockAt + 14);
  head.writeBigUInt64LE(BigInt(inodes), superblockAt + 16);
  head.writeUInt32LE(blocks, superblockAt + 36);
  head.writeUInt32LE(metaBlock, superblockAt + 40);
  return head;
}

export const direntBytes = 12;

export function align(count: number, unit: number): number {
  return Math.ceil(count / unit) * unit;
}
