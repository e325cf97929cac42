import { lstatSync, type Stats } from 'node:fs';
import { CachelaneError, displayPath, type BytePath } from '@cachelane/core';
import { isMissing } from '../files/file-errors.ts';
import type { FilePath } from '../files/file-path.ts';
import type { StoreFiles } from '../files/store-files.ts';
import type { FileOrder, NewFile } from './file-messages.ts';

/** Reaches what lies in a directory. */
export interface Reach {
  run<T>(path: BytePath, operation: (file: FilePath) => T): T;
}

/**
 * Puts something new where it belongs, beside it first where that has to be: whoever looks sees the old or the new one.
 * Where it fails nothing new is left, as of `make`.
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
 * Copies a file out of a layer, with its mode, which a copy takes from the layer's file, unless that one had to be opened for it. `source`
 * reaches what lies in a layer's tree. Throws E_LAYER_CORRUPT where it is not there as a whole, and leaves nothing then.
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

/** What is done to a file that was just made. */
function orRemoved(files: StoreFiles, file: FilePath, finish: () => void): void {
  try {
    finish();
  } catch (error) {
    removeQuietly(files, file);
    throw error;
  }
}

/** Where something failed already: that is what is to be told. */
function removeQuietly(files: StoreFiles, file: FilePath): void {
  try {
    files.unlink(file);
  } catch {
    // It was not there, or stays.
  }
}

function damagedSource(path: BytePath): CachelaneError {
  return new CachelaneError('E_LAYER_CORRUPT', `${displayPath(path)} in a layer is not what was saved`);
}

export const lookAt = (file: FilePath): Stats => lstatSync(file);
