import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { CachelaneError, invariant, type Digest } from '@cachelane/core';
import type { Piece } from './archive.ts';
import { archiveBytes, type ArchivePlan, type PiecePlace } from './archive-plan.ts';
import { frameBytes } from './frames.ts';
import type { SinkPlace } from './piece-sinks.ts';
import { pieceThreadFile } from './piece-thread-file.ts';
import type { PieceTaker } from './piece-takers.ts';
import type { TakenPiece } from './take-piece.ts';
import { fromPlain, type ThreadAnswer, type ThreadJob, type ThreadStart } from './thread-messages.ts';

/** With more of them the disk is what takes the time. */
const threadsMost = 4;
/** Below, what it takes to start a thread is more than what it saves. */
const worthwhileBytes = 8 * frameBytes;
/** For each thread: the next piece is there when one is done with. */
const piecesPerThread = 2;

/** Whether threads make it faster. */
export function wantsThreads(plan: ArchivePlan): boolean {
  return archiveBytes(plan) >= worthwhileBytes && availableParallelism() > 1 && existsSync(pieceThreadFile);
}

/** Threads that take pieces, each all on its own. */
export class PieceThreads implements PieceTaker {
  readonly atOnce: number;
  readonly #threads: readonly PieceThread[];

  /** `index`: the bytes of the plan's. Null where no thread can be had: a machine, or a container, has only so many for a user. */
  static start({ starts }: ArchivePlan, index: Uint8Array, sink: SinkPlace): PieceThreads | null {
    const shared = new Uint8Array(new SharedArrayBuffer(index.length));
    shared.set(index);
    const threads: PieceThread[] = [];
    try {
      while (threads.length < Math.min(threadsMost, availableParallelism()))
        threads.push(new PieceThread({ index: shared, starts, sink }));
    } catch {
      // Fewer are slower, and that is all.
    }
    return threads.length === 0 ? null : new PieceThreads(threads);
  }

  private constructor(threads: readonly PieceThread[]) {
    this.#threads = threads;
    this.atOnce = threads.length * piecesPerThread;
  }

  async take(piece: Piece, place: PiecePlace): Promise<TakenPiece> {
    const answer = await this.#do({ kind: 'piece', piece, place }, piece.bytes);
    invariant(answer.kind === 'piece', 'another job was answered');
    const { taken } = answer;
    return { ...taken, head: asBuffer(taken.head), tail: asBuffer(taken.tail) };
  }

  /** Of the index when it is written anew. */
  async writtenIndex(): Promise<Digest> {
    const answer = await this.#do({ kind: 'index' }, null);
    invariant(answer.kind === 'index', 'another job was answered');
    return answer.digest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.map(async (thread) => await thread.end()));
  }

  async #do(job: ThreadJob, bytes: Buffer | null): Promise<ThreadAnswer> {
    const [least] = this.#threads.toSorted((a, b) => a.waiting - b.waiting);
    invariant(least !== undefined, 'no thread');
    return await least.do(job, bytes);
  }
}

/** What is sent to another thread comes without the methods of a buffer. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

class PieceThread {
  readonly #worker: Worker;
  readonly #waiting: PromiseWithResolvers<ThreadAnswer>[] = [];
  #failure: Error | null = null;

  constructor(start: ThreadStart) {
    // What is read in one frame is used once: little of it lives on.
    this.#worker = new Worker(pieceThreadFile, { workerData: start, resourceLimits: { maxYoungGenerationSizeMb: 8 } });
    this.#worker.on('message', (answer: ThreadAnswer) => {
      const waiting = this.#waiting.shift();
      if (answer.kind === 'failed') waiting?.reject(fromPlain(answer.error));
      else waiting?.resolve(answer);
    });
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error('it ended')));
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Answers come in the order of the jobs. */
  async do(job: ThreadJob, bytes: Buffer | null): Promise<ThreadAnswer> {
    if (this.#failure !== null) throw this.#failure;
    const waiting = Promise.withResolvers<ThreadAnswer>();
    this.#waiting.push(waiting);
    this.#worker.postMessage(job, bytes !== null && isAlone(bytes) ? [bytes.buffer as ArrayBuffer] : []);
    return await waiting.promise;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(cause: unknown): void {
    this.#failure ??= new CachelaneError('E_INTERNAL', 'a thread that takes in layers failed', { cause });
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#failure);
  }
}

/** Whether it shares its memory with nothing else. */
function isAlone({ buffer, byteLength }: Buffer): boolean {
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
}
