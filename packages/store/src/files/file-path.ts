import type { BytePath } from '@cachelane/core';

/** A path for `node:fs`. Text if the part below `root` is all ASCII, which is several times faster; else bytes. */
export type FilePath = string | Buffer;

/** `root` is an absolute path as text. */
export function filePath(root: string, path: BytePath): FilePath {
  if (path === '') return root;
  if (!/[\x80-\xff]/.test(path)) return `${root}/${path}`;
  return Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')]);
}

/** Reads directory names with one character per byte. */
export const byteNames = { encoding: 'latin1' } as const;
