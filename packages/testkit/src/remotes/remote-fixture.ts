import type { Remote } from '@cachelane/core';

/** An empty remote for one test. */
export interface RemoteFixture extends AsyncDisposable {
  /** A handle as one machine has it; several handles see one remote. The test disposes of it. */
  open(): Promise<Remote>;
}

export type RemoteFactory = () => Promise<RemoteFixture>;
