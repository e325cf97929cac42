import type { PieceThreadStart } from '../wire/piece-messages.ts';
import type { PlainError } from './plain-error.ts';

// What a thread and the one that started it say to each other, whatever the work.

/** What a thread is for, and what it needs to know from the start. */
export type ThreadStart = { readonly work: 'pieces'; readonly given: PieceThreadStart } | { readonly work: 'files' };

/** The work of a thread: one job after the other. What it throws is the answer too. */
export type ThreadWork<Job, Answer> = (job: Job) => Done<Answer>;

export interface Done<Answer> {
  readonly answer: Answer;
  /** Memory of the answer that is given away with it. */
  readonly transfer: readonly ArrayBuffer[];
}

export type ThreadAnswer<Answer> =
  /** To nothing: it has loaded what it needs. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly answer: Answer }
  | { readonly kind: 'failed'; readonly error: PlainError };
