import { existsSync } from 'node:fs';
import type { TransferFiles } from '@cachelane/core';
import { longPortCall, portCall } from '../files/file-errors.ts';
import { homePaths, ownerOf } from '../files/home-paths.ts';
import { openPartialDownload } from './partial-download.ts';
import type { TransferDir } from './spool-file.ts';
import { spoolData } from './spool.ts';
import { sweepTransfers } from './sweep-transfers.ts';

export interface TransferFilesOptions {
  /** The home: an absolute path without a trailing slash. Missing directories are created on the first write. */
  readonly dir: string;
}

/**
 * Opens the files in transit of a home (docs/reference/store-format.md, "Transfers"). Many processes may use them at
 * once.
 */
export function openTransferFiles({ dir: home }: TransferFilesOptions): TransferFiles {
  const paths = homePaths(home);
  const at = (path: string): TransferDir => ({ path, owner: existsSync(home) ? ownerOf(home) : null });
  return {
    spool: (data, signal) => spoolData(data, () => at(paths.outgoing), signal),
    resume: (object, signal) =>
      longPortCall(
        `opening the download of object ${object.slice(0, 12)}`,
        signal,
        async () => await openPartialDownload(at(paths.incoming), object, signal),
      ),
    sweep: (nowMs, signal) => portCall('sweeping', signal, () => sweepTransfers(paths, nowMs)),
  };
}
