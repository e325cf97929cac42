import { lstatSync } from 'node:fs';
import type { BytePath } from '@cachelane/core';
import { OpenAccess } from '../files/open-access.ts';
import type { StoreFiles } from '../files/store-files.ts';
import { isAsRecorded, type KeptRecord, type KeptTable } from './kept-table.ts';

export interface ReadFiles {
  readonly files: StoreFiles;
  readonly tree: string;
  readonly table: KeptTable;
  /** New records since the table was written. Null: the path is gone. */
  readonly records: ReadonlyMap<BytePath, KeptRecord | null>;
  readonly paths: Iterable<BytePath>;
}

/**
 * Sets the access time of files before their last change, so that most file systems record the next read. Without
 * that, they record a read only after a change or a day. Returns the records with the new times. Skips files with
 * several names, because their other records would become wrong.
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
        // An edit since the last check must not be recorded as the old state.
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
