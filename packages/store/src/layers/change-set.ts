import { type BytePath, type Change, type ChangeSet, displayPath } from '@cachelane/core';
import { fromSystem } from '../files/file-errors.ts';
import type { FilePath } from '../files/file-path.ts';
import { OpenAccess } from '../files/open-access.ts';
import { digestFile, readFirst, readWhole } from '../files/read-file.ts';
import type { StoreFiles } from '../files/store-files.ts';

export interface ChangedTree {
  /** Absolute path of the directory with the changed files. */
  readonly upper: string;
  readonly files: StoreFiles;
  /** Whether the store may take over the directory. */
  readonly movable?: boolean;
}

/** Returns a change set whose contents are read from a directory on demand. */
export function toChangeSet({ upper, files, movable = true }: ChangedTree, changes: readonly Change[]): ChangeSet {
  let byPath: ReadonlyMap<BytePath, Change> | undefined;
  const read = <T>(path: BytePath, use: (file: FilePath) => T): T => {
    const access = new OpenAccess(upper, files);
    try {
      return access.run(path, use);
    } catch (error) {
      throw fromSystem(error, `reading ${displayPath(path)}`);
    } finally {
      access.restore();
    }
  };
  return {
    changes,
    find(path) {
      byPath ??= new Map(changes.map((change) => [change.path, change]));
      return byPath.get(path);
    },
    read: (path) => read(path, readWhole),
    readHead: (path, count) => read(path, (file) => readFirst(file, count)),
    digest: (path) => read(path, digestFile).digest,
    dir: upper,
    movable,
  };
}
