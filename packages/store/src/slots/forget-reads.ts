import { lstatSync } from 'node:fs';
import type { BytePath } from '@cachelane/core';
import { OpenAccess } from '../files/open-access.ts';
import type { StoreFiles } from '../files/store-files.ts';
import { isAsRecorded, type KeptRecord, type KeptTable } from './kept-table.ts';

export interface ReadFiles {
  readonly files: StoreFiles;
  readonly tree: string;
  readonly table: KeptTable;
  /** What is new since the table; null for what is gone. */
  readonly records: ReadonlyMap<BytePath, KeptRecord | null>;
  readonly paths: Iterable<BytePath>;
}

/**
 * Gives files that were read, by the command or by whoever saved them, a time of access before their last change: most file systems note the next read only then, or after a day.
 * Returns the records with what that did to their times. Files with several names stay as they are: each would spoil the others' record.
 */
export function forgetReads({ files, tree, table, records, paths }: ReadFiles): ReadFiles['records'] {
  const all = new Map(records);
  const access = new OpenAccess(tree, files);
  try {
    for (const path of paths) {
      const record = all.has(path) ? all.get(path) : table.find(path);
      if (record?.type !== 'file' || (record.mode & 0o400) === 0) continue;
      access.run(path, (file) => {
        const { mtimeNs, nlink } = lstatSync(file, { bigint: true });
        // What somebody did to it since it was looked at must not be recorded as what it was.
        if (nlink > 1n || !isAsRecorded(lstatSync(file), record)) return;
        files.setTime(file, mtimeNs);
        const { mtimeMs, ctimeMs } = lstatSync(file);
        all.set(path, { ...record, mtimeMs, ctimeMs });
      });
    }
  } finally {
    access.restore();
  }
  return all;
}
