import { lstatSync, type Stats } from 'node:fs';
import { CachelaneError, displayPath, type BytePath } from '@cachelane/core';
import { isMissing } from '../files/file-errors.ts';
import type { FilePath } from '../files/file-path.ts';
import type { StoreFiles } from '../files/store-files.ts';
import type { FileOrder, NewFile } from './file-messages.ts';

/** Accesses paths in a directory. */
export interface Reach {
  run<T>(path: BytePath, operation: (file: FilePath) => T): T;
}

/**
 * Creates something at a path, under a temporary name first if the path is occupied. Readers see the old or the new
 * one. Leaves nothing new on failure; `make` must do the same.
 */
export function putInPlace(
  { files, tree }: { readonly files: StoreFiles; readonly tree: Reach },
  { path, mtimeNs, beside }: NewFile,
  make: (file: FilePath) => void,
): Stats {
  const put = (file: FilePath): void => {
    make(file);
    orRemoved(files, file, () => files.setTime(file, mtimeNs));
  };
  if (beside === null) tree.run(path, put);
  else {
    try {
      put(beside);
      tree.run(path, (file) => files.rename(beside, file));
    } catch (error) {
      removeQuietly(files, beside);
      throw error;
    }
  }
  return tree.run(path, lookAt);
}

/**
 * Copies a file with its mode out of a layer. A copy has the mode of the layer's file, unless that was changed to
 * read it. `source` accesses the layer's tree. Throws E_LAYER_CORRUPT if the file is incomplete, and then leaves
 * nothing.
 */
export function copyOut(
  files: StoreFiles,
  { path, mode, sizeBytes, from }: FileOrder,
  source: Reach,
): (to: FilePath) => void {
  return (to) => {
    try {
      if (from.kind === 'tree') {
        source.run(path, (file) => files.copy(file, to));
        if ((mode & 0o400) === 0) orRemoved(files, to, () => files.setMode(to, mode));
        return;
      }
      if (files.copyRange(from.file, { at: from.at, sizeBytes }, to) < sizeBytes) {
        files.unlink(to);
        throw damagedSource(path);
      }
      orRemoved(files, to, () => files.setMode(to, mode));
    } catch (error) {
      throw isMissing(error) ? damagedSource(path) : error;
    }
  };
}

/** Runs `finish` on a new file, and removes the file on failure. */
function orRemoved(files: StoreFiles, file: FilePath, finish: () => void): void {
  try {
    finish();
  } catch (error) {
    removeQuietly(files, file);
    throw error;
  }
}

/** Ignores errors: the caller already has the first one. */
function removeQuietly(files: StoreFiles, file: FilePath): void {
  try {
    files.unlink(file);
  } catch {
    // It does not exist, or it stays.
  }
}

function damagedSource(path: BytePath): CachelaneError {
  return new CachelaneError('E_LAYER_CORRUPT', `${displayPath(path)} in a layer differs from what was saved`);
}

export const lookAt = (file: FilePath): Stats => lstatSync(file);
