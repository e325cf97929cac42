import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { CachelaneError, invariant } from '@cachelane/core';
import { fromPlain } from './plain-error.ts';
import { threadFile } from './thread-file.ts';
import type { ThreadAnswer, ThreadStart } from './thread-work.ts';

/** More threads than this wait for the disk. */
const threadsMost = 4;

/** Returns how many threads speed up work on this machine; 0 if none do. */
export function usefulThreads(): number {
  const most = Math.min(threadsMost, availableParallelism());
  return most > 1 && existsSync(threadFile) ? most : 0;
}

/** Threads that do independent jobs of one kind. */
export class ThreadPool<Job, Answer> implements AsyncDisposable {
  readonly #threads: readonly Thread<Job, Answer>[];

  /** Starts up to `count` threads. Returns null if none could start: machines and containers limit threads per user. */
  static start<Job, Answer>(start: ThreadStart, count: number): ThreadPool<Job, Answer> | null {
    const threads: Thread<Job, Answer>[] = [];
    try {
      while (threads.length < count) threads.push(new Thread(start));
    } catch {
      // Fewer threads are only slower.
    }
    return threads.length === 0 ? null : new ThreadPool(threads);
  }

  private constructor(threads: readonly Thread<Job, Answer>[]) {
    this.#threads = threads;
  }

  /** Resolves once every thread has loaded its code or has ended. Jobs given earlier wait. */
  async ready(): Promise<void> {
    await Promise.all(this.#threads.map(async (thread) => await thread.ready));
  }

  get count(): number {
    return this.#threads.length;
  }

  /** Rejects with the error that the job threw, or with E_INTERNAL if the thread has ended. */
  async do(job: Job, transfer: readonly ArrayBuffer[] = []): Promise<Answer> {
    const [least] = this.#threads.toSorted((a, b) => a.waiting - b.waiting);
    invariant(least !== undefined, 'no thread');
    return await least.do(job, transfer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.map(async (thread) => await thread.end()));
  }
}

class Thread<Job, Answer> {
  readonly #worker: Worker;
  readonly #waiting: PromiseWithResolvers<Answer>[] = [];
  readonly #ready = Promise.withResolvers<void>();
  #cause: unknown;
  #failure: Error | null = null;

  constructor(start: ThreadStart) {
    // Nearly all memory of a job is garbage after it: a small young generation saves memory.
    this.#worker = new Worker(threadFile, { workerData: start, resourceLimits: { maxYoungGenerationSizeMb: 8 } });
    this.#worker.on('message', (answer: ThreadAnswer<Answer>) => {
      if (answer.kind === 'ready') return this.#ready.resolve();
      const waiting = this.#waiting.shift();
      if (answer.kind === 'failed') waiting?.reject(fromPlain(answer.error));
      else waiting?.resolve(answer.answer);
    });
    // The thread may still run after an error. Jobs fail once it exits.
    this.#worker.on('error', (error) => (this.#cause = error));
    this.#worker.on('exit', () => this.#fail());
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** The number of unanswered jobs; Infinity for a thread that has ended. */
  get waiting(): number {
    return this.#failure === null ? this.#waiting.length : Infinity;
  }

  /** Answers arrive in the order of the jobs. */
  async do(job: Job, transfer: readonly ArrayBuffer[]): Promise<Answer> {
    if (this.#failure !== null) throw this.#failure;
    const waiting = Promise.withResolvers<Answer>();
    this.#waiting.push(waiting);
    this.#worker.postMessage(job, transfer);
    return await waiting.promise;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(): void {
    const cause = this.#cause ?? new Error('it ended');
    this.#failure = new CachelaneError('E_INTERNAL', 'a thread failed', { cause });
    this.#ready.resolve();
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#failure);
  }
}
