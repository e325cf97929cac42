import type { BytePath } from '@cachelane/core';
import type { KeptRecord } from '../slots/kept-table.ts';

// What a thread that makes files of a kept directory and the one that asks for them say to each other.

/** Files that are to be made in one go. */
export interface FileJob {
  /** Absolute path of the directory. */
  readonly tree: string;
  readonly orders: readonly FileOrder[];
}

/** A file that is to be made. */
export interface FileOrder extends NewFile {
  readonly mode: number;
  readonly sizeBytes: number;
  readonly from: FileSource;
}

/** Something new in the directory, whatever it is. */
export interface NewFile {
  readonly path: BytePath;
  readonly mtimeNs: bigint;
  /**
   * Absolute path where it is made first, since something that goes stands in its place; null: in its place at once.
   */
  readonly beside: string | null;
}

export type FileSource =
  | { readonly kind: 'tree'; readonly tree: string }
  | { readonly kind: 'image'; readonly file: string; readonly at: number };

/** One for each order; NaN all through for one that could not be carried out: of that nothing is there. */
export type MadeFiles = Float64Array<ArrayBuffer>;

const fields = 7;

export function emptyMadeFiles(count: number): MadeFiles {
  return new Float64Array(count * fields).fill(NaN);
}

/** What is told of a made file. */
export type MadeFile = Omit<KeptRecord, 'digest'>;

const types: readonly KeptRecord['type'][] = ['file', 'dir', 'symlink', 'special'];

export function setMade(made: MadeFiles, place: number, file: MadeFile): void {
  const { type, mode, sizeBytes, mtimeMs, ctimeMs, inode, birthMs } = file;
  made.set([types.indexOf(type), mode, sizeBytes, mtimeMs, ctimeMs, inode, birthMs], place * fields);
}

export function madeAt(made: MadeFiles, place: number): MadeFile | null {
  const number = (field: number): number => made[place * fields + field] ?? NaN;
  const type = types[number(0)];
  if (type === undefined) return null;
  return {
    type,
    mode: number(1),
    sizeBytes: number(2),
    mtimeMs: number(3),
    ctimeMs: number(4),
    inode: number(5),
    birthMs: number(6),
  };
}
