import type { Digest, TransferFiles } from '@cachelane/core';

/** A home without anything in transit, for one test. */
export interface TransferFilesFixture extends AsyncDisposable {
  /** A handle as one process has it; all see one home. Who asks for something and never disposes of it has died. */
  open(): TransferFiles;
  /** As if nobody had gone on with that download since then. */
  age(object: Digest, changedAtMs: number): void;
  /** What lies there to be found by others. */
  leftovers(): readonly string[];
}

export type TransferFilesFactory = () => Promise<TransferFilesFixture>;
