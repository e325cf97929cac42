import { constants, type Stats } from 'node:fs';
import type { BytePath, Digest } from '@cachelane/core';

/** What a kept directory held at a path at the last check. */
export interface KeptRecord {
  readonly type: KeptType;
  /** All bits, including those that layers do not store. */
  readonly mode: number;
  readonly sizeBytes: number;
  /** Set for symlinks too. Milliseconds with fractions. Equal times give equal numbers. */
  readonly mtimeMs: number;
  /** Changes with every change of the file. {@link unknownTime} if unknown. */
  readonly ctimeMs: number;
  readonly inode: number;
  /** Creation time of the inode, because inode numbers are reused. 0 if the file system does not tell. */
  readonly birthMs: number;
  /** Digest of the content or of a symlink's target. Null if it was never needed. */
  readonly digest: Digest | null;
}

/** Returns the type in a mode from stat. */
export function typeOf(mode: number): KeptType {
  switch (mode & constants.S_IFMT) {
    case constants.S_IFREG:
      return 'file';
    case constants.S_IFDIR:
      return 'dir';
    case constants.S_IFLNK:
      return 'symlink';
    default:
      return 'special';
  }
}

const keptTypes = ['file', 'dir', 'symlink', 'special'] as const;
export type KeptType = (typeof keptTypes)[number];

/** Differs from every time of a file. */
export const unknownTime = -1;

const fields = 7;
const digestBytes = 32;
const magic = Buffer.from('cachelane-kept-1\n\n\n\n\n\n\n\n');
const headerBytes = magic.length + 16;

/**
 * The records of a directory. Reads 120k records in 20 ms, because numbers and digests stay in the file's format.
 * Records are in the order of a directory walk, so that the next walk finds each one after the one before.
 */
export class KeptTable {
  readonly #paths: readonly BytePath[];
  readonly #numbers: Float64Array;
  readonly #digests: Buffer;
  #positions: Map<BytePath, number> | undefined;
  #children: Map<string, number[]> | undefined;

  constructor(paths: readonly BytePath[], numbers: Float64Array, digests: Buffer) {
    this.#paths = paths;
    this.#numbers = numbers;
    this.#digests = digests;
  }

  get count(): number {
    return this.#paths.length;
  }

  pathAt(position: number): BytePath | undefined {
    return this.#paths[position];
  }

  /** Returns the position of the path's record, or -1. Tries `likely` first. */
  position(path: BytePath, likely = -1): number {
    if (this.#paths[likely] === path) return likely;
    this.#positions ??= new Map(this.#paths.map((each, position) => [each, position]));
    return this.#positions.get(path) ?? -1;
  }

  find(path: BytePath): KeptRecord | undefined {
    const position = this.position(path);
    return position < 0 ? undefined : this.at(position);
  }

  at(position: number): KeptRecord {
    const number = (field: number): number => this.#numbers[position * fields + field] ?? 0;
    return {
      type: keptTypes[number(0)] ?? 'special',
      mode: number(1),
      sizeBytes: number(2),
      mtimeMs: number(3),
      ctimeMs: number(4),
      inode: number(5),
      birthMs: number(6),
      digest: this.#digestAt(position),
    };
  }

  /** Returns whether a file or symlink matches its record, without allocating an object for each of 120k files. */
  isSame(position: number, mode: number, stat: Stats): boolean {
    return this.#numbers[position * fields + 4] === stat.ctimeMs && this.#isSameBut(position, mode, stat);
  }

  /** Returns whether the path still has the recorded inode, whatever its contents. */
  hasInode(position: number, { ino, birthtimeMs }: Stats): boolean {
    const at = position * fields;
    return this.#numbers[at + 5] === ino && this.#numbers[at + 6] === birthtimeMs;
  }

  /** Returns whether all but the change time match. False if the recorded change time is unknown. */
  isSameButChangeTime(position: number, mode: number, stat: Stats): boolean {
    return this.#numbers[position * fields + 4] !== unknownTime && this.#isSameBut(position, mode, stat);
  }

  #isSameBut(position: number, mode: number, { size, mtimeMs, ino }: Stats): boolean {
    const numbers = this.#numbers;
    const at = position * fields;
    return (
      numbers[at + 3] === mtimeMs &&
      numbers[at + 5] === ino &&
      numbers[at + 2] === size &&
      numbers[at + 1] === (mode & 0o7777) &&
      keptTypes[numbers[at] ?? -1] === typeOf(mode)
    );
  }

  /** Returns a table with changed records. Null removes a record. New paths are appended in the given order. */
  with(changes: ReadonlyMap<BytePath, KeptRecord | null>): KeptTable {
    if (changes.size === 0) return this;
    const builder = new KeptTableBuilder(this.count + changes.size);
    for (const [position, path] of this.#paths.entries()) {
      const change = changes.get(path);
      if (change === undefined) builder.add(path, this.at(position));
      else if (change !== null) builder.add(path, change);
    }
    for (const [path, record] of changes) {
      if (record !== null && this.position(path) < 0) builder.add(path, record);
    }
    return builder.build();
  }

  /** Returns the positions of a directory's direct children. */
  childrenOf(directory: BytePath): readonly number[] {
    this.#children ??= childrenByDirectory(this.#paths);
    return this.#children.get(directory) ?? [];
  }

  /** Returns the latest change time in milliseconds. */
  latestChangeMs(): number {
    let latest = 0;
    for (let at = 4; at < this.#paths.length * fields; at += fields) latest = Math.max(latest, this.#numbers[at] ?? 0);
    return latest;
  }

  /** Returns a table in which all change times from `timeMs` on are unknown. */
  unsureFrom(timeMs: number): KeptTable {
    const numbers = this.#numbers.slice();
    for (let at = 4; at < this.#paths.length * fields; at += fields) {
      if ((numbers[at] ?? 0) >= timeMs) numbers[at] = unknownTime;
    }
    return new KeptTable(this.#paths, numbers, this.#digests);
  }

  *paths(): Generator<BytePath> {
    yield* this.#paths;
  }

  encode(): Buffer {
    const paths = Buffer.from(this.#paths.join('\0'), 'latin1');
    const header = Buffer.alloc(headerBytes);
    magic.copy(header);
    header.writeDoubleLE(this.#paths.length, magic.length);
    header.writeDoubleLE(paths.length, magic.length + 8);
    const numbers = Buffer.from(this.#numbers.buffer, this.#numbers.byteOffset, this.#paths.length * fields * 8);
    return Buffer.concat([header, numbers, this.#digests.subarray(0, this.#paths.length * digestBytes), paths]);
  }

  /** Returns null if the bytes are incomplete. */
  static decode(bytes: Buffer): KeptTable | null {
    const count = bytes.length < headerBytes ? 0 : bytes.readDoubleLE(magic.length);
    const pathBytes = bytes.length < headerBytes ? 0 : bytes.readDoubleLE(magic.length + 8);
    const numbersEnd = headerBytes + count * fields * 8;
    const digestsEnd = numbersEnd + count * digestBytes;
    if (!bytes.subarray(0, magic.length).equals(magic) || digestsEnd + pathBytes !== bytes.length) return null;
    const numbers = new Float64Array(count * fields);
    Buffer.from(numbers.buffer).set(bytes.subarray(headerBytes, numbersEnd));
    const paths = count === 0 ? [] : bytes.toString('latin1', digestsEnd).split('\0');
    if (paths.length !== count) return null;
    return new KeptTable(paths as BytePath[], numbers, bytes.subarray(numbersEnd, digestsEnd));
  }

  #digestAt(position: number): Digest | null {
    const from = position * digestBytes;
    const hex = this.#digests.toString('hex', from, from + digestBytes);
    return hex === noDigest ? null : (hex as Digest);
  }
}

function childrenByDirectory(paths: readonly BytePath[]): Map<string, number[]> {
  const children = new Map<string, number[]>();
  let last = '';
  let siblings: number[] = [];
  for (const [position, path] of paths.entries()) {
    const slash = path.lastIndexOf('/');
    // Most paths follow a sibling, so they share its directory's string.
    if (position === 0 || slash !== last.length || !path.startsWith(last)) {
      last = slash < 0 ? '' : path.slice(0, slash);
      siblings = children.get(last) ?? [];
      children.set(last, siblings);
    }
    siblings.push(position);
  }
  return children;
}

const noDigest = '00'.repeat(digestBytes);

class KeptTableBuilder {
  readonly #paths: BytePath[] = [];
  readonly #numbers: Float64Array;
  readonly #digests: Buffer;

  constructor(capacity: number) {
    this.#numbers = new Float64Array(capacity * fields);
    this.#digests = Buffer.alloc(capacity * digestBytes);
  }

  add(path: BytePath, record: KeptRecord): void {
    const position = this.#paths.push(path) - 1;
    const { type, mode, sizeBytes, mtimeMs, ctimeMs, inode, birthMs, digest } = record;
    this.#numbers.set([keptTypes.indexOf(type), mode, sizeBytes, mtimeMs, ctimeMs, inode, birthMs], position * fields);
    if (digest !== null) this.#digests.write(digest, position * digestBytes, 'hex');
  }

  build(): KeptTable {
    return new KeptTable(this.#paths, this.#numbers, this.#digests);
  }
}

export const emptyTable: KeptTable = new KeptTableBuilder(0).build();

/** Returns whether this is the recorded file, even if other names of it were added or removed. */
export function isAsRecorded({ ino, size, mtimeMs }: Stats, record: KeptRecord): boolean {
  return ino === record.inode && size === record.sizeBytes && mtimeMs === record.mtimeMs;
}
