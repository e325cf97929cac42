import type { Metadata } from '@cachelane/core';

/** An empty store for one test. */
export interface MetadataFixture extends AsyncDisposable {
  /** A handle as one process has it; several handles see one store. The test disposes of it. */
  open(): Promise<Metadata>;
}

export type MetadataFactory = () => Promise<MetadataFixture>;
