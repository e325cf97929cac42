import { ThreadPool, usefulThreads } from '../threads/thread-pool.ts';
import type { FileJob, MadeFiles } from './file-messages.ts';

/** Threads that create files of a kept directory. */
export interface FileMakers extends AsyncDisposable {
  readonly count: number;
  /** Resolves once the threads run. Jobs given earlier wait. */
  readonly ready: Promise<void>;
  /** Rejects if it is unknown which files were created. The threads have stopped by then. */
  readonly make: (job: FileJob) => Promise<MadeFiles>;
}

/** When and how to use helper threads. */
export interface FillOptions {
  /** Use helpers from this number of files or bytes on. */
  readonly worthwhileFiles: number;
  readonly worthwhileBytes: number;
  /** Files per job: few enough to handle answers and aborts every few milliseconds. */
  readonly batchFiles: number;
  /** Returns null if no helper can start. */
  start(): FileMakers | null;
}

/** Below these limits, starting a thread takes longer than it saves. */
export const byThreads: FillOptions = {
  worthwhileFiles: 3000,
  worthwhileBytes: 128 * 1_048_576,
  batchFiles: 64,
  start() {
    // The calling thread works too.
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
