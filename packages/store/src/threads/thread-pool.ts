import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { CachelaneError, invariant } from '@cachelane/core';
import { fromPlain } from './plain-error.ts';
import { threadFile } from './thread-file.ts';
import type { ThreadAnswer, ThreadStart } from './thread-work.ts';

/** With more of them the disk is what takes the time. */
const threadsMost = 4;

/** How many make something faster here; 0: none does. */
export function usefulThreads(): number {
  const most = Math.min(threadsMost, availableParallelism());
  return most > 1 && existsSync(threadFile) ? most : 0;
}

/** Threads that do the same work, each job all on its own. */
export class ThreadPool<Job, Answer> implements AsyncDisposable {
  readonly #threads: readonly Thread<Job, Answer>[];

  /** At most `count` of them. Null where no thread can be had: a machine, or a container, has only so many for a user. */
  static start<Job, Answer>(start: ThreadStart, count: number): ThreadPool<Job, Answer> | null {
    const threads: Thread<Job, Answer>[] = [];
    try {
      while (threads.length < count) threads.push(new Thread(start));
    } catch {
      // Fewer are slower, and that is all.
    }
    return threads.length === 0 ? null : new ThreadPool(threads);
  }

  private constructor(threads: readonly Thread<Job, Answer>[]) {
    this.#threads = threads;
  }

  /** Resolves once all of them are at work, or no more; what they are given before that waits. */
  async ready(): Promise<void> {
    await Promise.all(this.#threads.map(async (thread) => await thread.ready));
  }

  get count(): number {
    return this.#threads.length;
  }

  /** Rejects with what the job threw; with E_INTERNAL once the thread is no more, and does nothing any more. */
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
    // Nearly all that a job needs is used once: little of it lives on.
    this.#worker = new Worker(threadFile, { workerData: start, resourceLimits: { maxYoungGenerationSizeMb: 8 } });
    this.#worker.on('message', (answer: ThreadAnswer<Answer>) => {
      if (answer.kind === 'ready') return this.#ready.resolve();
      const waiting = this.#waiting.shift();
      if (answer.kind === 'failed') waiting?.reject(fromPlain(answer.error));
      else waiting?.resolve(answer.answer);
    });
    // It may still be at work; that it is not is known when it has ended.
    this.#worker.on('error', (error) => (this.#cause = error));
    this.#worker.on('exit', () => this.#fail());
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** One that is no more comes last. */
  get waiting(): number {
    return this.#failure === null ? this.#waiting.length : Infinity;
  }

  /** Answers come in the order of the jobs. */
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
