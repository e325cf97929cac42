import type { BytePath } from '@cachelane/core';
import type { KeptRecord } from '../slots/kept-table.ts';

// Messages between the main thread and the threads that create files of a kept directory.

/** Files to create in one job. */
export interface FileJob {
  /** Absolute path of the directory. */
  readonly tree: string;
  readonly orders: readonly FileOrder[];
}

/** A file to create. */
export interface FileOrder extends NewFile {
  readonly mode: number;
  readonly sizeBytes: number;
  readonly from: FileSource;
}

/** A new path of any type. */
export interface NewFile {
  readonly path: BytePath;
  readonly mtimeNs: bigint;
  /** Absolute path of a temporary name, used if the final path is occupied. Null: create it in place. */
  readonly beside: string | null;
}

export type FileSource =
  | { readonly kind: 'tree'; readonly tree: string }
  | { readonly kind: 'image'; readonly file: string; readonly at: number };

/** One record per order. NaN means the file was not created. */
export type MadeFiles = Float64Array<ArrayBuffer>;

const fields = 7;

export function emptyMadeFiles(count: number): MadeFiles {
  return new Float64Array(count * fields).fill(NaN);
}

/** The record of a created file. */
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
