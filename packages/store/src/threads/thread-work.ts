import type { PlainError } from './plain-error.ts';

// The messages between a thread and its pool.

/**
 * The kind of work of a thread, and the data it needs before its first job. entry/thread.ts maps kinds to functions.
 */
export interface ThreadStart {
  readonly work: 'pieces' | 'files';
  readonly given?: unknown;
}

/** Does one job. An error that it throws is sent back as the answer. */
export type ThreadWork<Job, Answer> = (job: Job) => Done<Answer>;

export interface Done<Answer> {
  readonly answer: Answer;
  /** Buffers of the answer that are transferred instead of copied. */
  readonly transfer: readonly ArrayBuffer[];
}

export type ThreadAnswer<Answer> =
  /** Sent once, when the thread's code is loaded. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly answer: Answer }
  | { readonly kind: 'failed'; readonly error: PlainError };
