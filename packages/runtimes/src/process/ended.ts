import type { ChildProcess } from 'node:child_process';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** It could not be started. */
  readonly error: NodeJS.ErrnoException | null;
}

/** Waits for the end of a child; never rejects. */
export async function ended(child: ChildProcess): Promise<Ended> {
  const { promise, resolve } = Promise.withResolvers<Ended>();
  child.once('error', (error) => resolve({ code: null, signal: null, error }));
  child.once('close', (code, signal) => resolve({ code, signal, error: null }));
  return await promise;
}
