import { ThreadPool, usefulThreads } from '../threads/thread-pool.ts';
import type { FileJob, MadeFiles } from './file-messages.ts';

/** Helpers that make files of a kept directory. */
export interface FileMakers extends AsyncDisposable {
  readonly count: number;
  /** Resolves once they are at work; before that, what they are given only waits. */
  readonly ready: Promise<void>;
  /** Rejects where it is not known which of them were made; nobody is at work on them then. */
  readonly make: (job: FileJob) => Promise<MadeFiles>;
}

/** When the thread that fills a kept directory gets help, and of whom. */
export interface FillOptions {
  /** With so many files, or so many bytes, or more. */
  readonly worthwhileFiles: number;
  readonly worthwhileBytes: number;
  /** Made in one go: so few that answers are read, and an abort is seen, every few milliseconds. */
  readonly batchFiles: number;
  /** Null where there is none to be had. */
  start(): FileMakers | null;
}

/** With fewer it takes longer to start a thread than it saves. */
export const byThreads: FillOptions = {
  worthwhileFiles: 3000,
  worthwhileBytes: 128 * 1_048_576,
  batchFiles: 64,
  start() {
    // The one that asks is at work as well.
    const pool = ThreadPool.start<FileJob, MadeFiles>({ work: 'files' }, usefulThreads() - 1);
    if (pool === null) return null;
    return {
      count: pool.count,
      ready: pool.ready(),
      make: async (job) => await pool.do(job),
      [Symbol.asyncDispose]: async () => await pool[Symbol.asyncDispose](),
    };
  },
};
