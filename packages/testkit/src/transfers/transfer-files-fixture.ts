import type { Digest, TransferFiles } from '@cachelane/core';

/** A home without transfers, for one test. */
export interface TransferFilesFixture extends AsyncDisposable {
  /** Opens a handle, like another process with the same home. A handle that is never disposed of simulates a dead process. */
  open(): TransferFiles;
  /** Sets when a download was last written. */
  age(object: Digest, changedAtMs: number): void;
  /** Leftovers that others could find. */
  leftovers(): readonly string[];
}

export type TransferFilesFactory = () => Promise<TransferFilesFixture>;
