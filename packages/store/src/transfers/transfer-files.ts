import { existsSync } from 'node:fs';
import type { TransferFiles } from '@cachelane/core';
import { longPortCall, portCall } from '../files/file-errors.ts';
import { homePaths, ownerOf } from '../files/home-paths.ts';
import { openPartialDownload } from './partial-download.ts';
import type { TransferDir } from './spool-file.ts';
import { spoolData } from './spool.ts';
import { sweepTransfers } from './sweep-transfers.ts';

export interface TransferFilesOptions {
  /** The home: an absolute path, without a slash at its end. Missing directories are made when something is kept. */
  readonly dir: string;
}

/** Bytes in transit as files of a home (docs/reference/store-format.md, "Transfers"); any number of processes may use them at once. */
export function openTransferFiles({ dir: home }: TransferFilesOptions): TransferFiles {
  const paths = homePaths(home);
  const at = (path: string): TransferDir => ({ path, owner: existsSync(home) ? ownerOf(home) : null });
  return {
    spool: (data, signal) => spoolData(data, () => at(paths.outgoing), signal),
    resume: (object, signal) =>
      longPortCall(
        `what has come of object ${object.slice(0, 12)}`,
        signal,
        async () => await openPartialDownload(at(paths.incoming), object, signal),
      ),
    sweep: (nowMs, signal) => portCall('sweeping', signal, () => sweepTransfers(paths, nowMs)),
  };
}
