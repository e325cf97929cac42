import { invariant, type Digest } from '@cachelane/core';
import { ThreadPool, usefulThreads } from '../threads/thread-pool.ts';
import type { Piece } from './archive.ts';
import { archiveBytes, type ArchivePlan, type PiecePlace } from '../tar/archive-plan.ts';
import { frameBytes } from './frames.ts';
import type { PieceAnswer, PieceJob } from './piece-messages.ts';
import type { SinkPlace } from './piece-sinks.ts';
import type { PieceTaker } from './piece-takers.ts';
import type { TakenPiece } from './take-piece.ts';

/** For smaller archives, starting threads costs more than they save. */
const worthwhileBytes = 8 * frameBytes;
/** Keeps a second piece ready for each thread. */
const piecesPerThread = 2;

/** Returns whether threads make unpacking faster. */
export function wantsThreads(plan: ArchivePlan): boolean {
  return archiveBytes(plan) >= worthwhileBytes && usefulThreads() > 0;
}

/** Threads that each work on whole pieces. */
export class PieceThreads implements PieceTaker {
  readonly atOnce: number;
  readonly #pool: ThreadPool<PieceJob, PieceAnswer>;

  /** Starts threads for the plan's index, given as bytes. Returns null if no thread can start. */
  static start({ starts, links }: ArchivePlan, index: Uint8Array, sink: SinkPlace): PieceThreads | null {
    const shared = new Uint8Array(new SharedArrayBuffer(index.length));
    shared.set(index);
    const given = { index: shared, starts, links, sink };
    const pool = ThreadPool.start<PieceJob, PieceAnswer>({ work: 'pieces', given }, usefulThreads());
    return pool === null ? null : new PieceThreads(pool);
  }

  private constructor(pool: ThreadPool<PieceJob, PieceAnswer>) {
    this.#pool = pool;
    this.atOnce = pool.count * piecesPerThread;
  }

  async take(piece: Piece, place: PiecePlace): Promise<TakenPiece> {
    const answer = await this.#pool.do({ kind: 'piece', piece, place }, ownMemory(piece.bytes));
    invariant(answer.kind === 'piece', 'another job was answered');
    const { taken } = answer;
    return { ...taken, head: asBuffer(taken.head), tail: asBuffer(taken.tail) };
  }

  /** Returns the digest of the index when it is encoded again. */
  async writtenIndex(): Promise<Digest> {
    const answer = await this.#pool.do({ kind: 'index' });
    invariant(answer.kind === 'index', 'another job was answered');
    return answer.digest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
  }
}

/** Messages between threads turn a Buffer into a plain Uint8Array. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Returns the buffer's memory for transfer, if it shares it with nothing else. */
function ownMemory({ buffer, byteLength }: Buffer): ArrayBuffer[] {
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [];
}
