import type { Metadata } from '@cachelane/core';

/** An empty store for one test. */
export interface MetadataFixture extends AsyncDisposable {
  /** Opens a handle, like another process with the same store. The test disposes of it. */
  open(): Promise<Metadata>;
}

export type MetadataFactory = () => Promise<MetadataFixture>;
