import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from '../files/file-errors.ts';
import type { FileMakers } from './file-makers.ts';
import { madeAt, type FileOrder, type MadeFile, type MadeFiles } from './file-messages.ts';

/** How to create files, each as an independent task. */
export interface FileTasks<Task> {
  /** Absolute path of the directory that gets the files. */
  readonly tree: string;
  readonly tasks: readonly Task[];
  readonly batchFiles: number;
  sizeOf(task: Task): number;
  /** Returns the order for a helper. */
  orderOf(task: Task): FileOrder;
  /** Records a file that a helper created. */
  note(task: Task, made: MadeFile): void;
  /** Creates the file in this thread. */
  make(task: Task): void;
  /** Removes what a failed helper may have left. */
  unmake(order: FileOrder): void;
}

const batchBytes = 4 * 1_048_576;
/** Keeps a second batch ready for each helper. */
const batchesPerMaker = 2;

/**
 * Creates files in this thread and in helpers. Slow or missing helpers do not delay it. This thread retries files
 * that helpers could not create, so the error is always that of the first failing file. All helpers have stopped
 * when this ends.
 */
export async function makeAll<Task>(
  how: FileTasks<Task>,
  makers: FileMakers | null,
  signal: AbortSignal,
): Promise<void> {
  const batches = new Batches(how, signal);
  while (!batches.isDone) {
    const own = batches.workHere();
    // Do not wait for helpers if this thread finishes first.
    if (makers !== null) await Promise.race([makers.ready, own]);
    const others = makers === null ? [] : Array.from({ length: makers.count * batchesPerMaker }, () => makers);
    await Promise.all([own, ...others.map(async (each) => await batches.workThere(each))]);
    throwIfAborted(signal);
    batches.makeLeft();
  }
}

interface Batch<Task> {
  readonly from: number;
  readonly tasks: readonly Task[];
}

/** A task that was not done. `failure`: it failed permanently. */
interface Left<Task> {
  readonly place: number;
  readonly task: Task | undefined;
  readonly failure: { readonly error: unknown } | null;
}

class Batches<Task> {
  readonly #tasks: readonly Task[];
  readonly #how: FileTasks<Task>;
  readonly #signal: AbortSignal;
  #next = 0;
  #left: Left<Task>[] = [];

  constructor(how: FileTasks<Task>, signal: AbortSignal) {
    this.#tasks = how.tasks;
    this.#how = how;
    this.#signal = signal;
  }

  get isDone(): boolean {
    return this.#next === this.#tasks.length;
  }

  /** Works on batches until none are left or one fails. Never rejects, so that the helpers also stop. */
  async workHere(): Promise<void> {
    for (let batch = this.#take(); batch !== null; batch = this.#take()) {
      this.#makeHere(batch);
      await setImmediate();
    }
  }

  /** Same as {@link workHere}, in a helper. */
  async workThere(makers: FileMakers): Promise<void> {
    for (let batch = this.#take(); batch !== null; batch = this.#take()) {
      try {
        await this.#makeThere(batch, makers);
      } catch (error) {
        this.#left.push({ place: batch.from, task: undefined, failure: { error } });
      }
    }
  }

  /** In order, so that all files before a failing one exist. */
  makeLeft(): void {
    const left = this.#left.toSorted((a, b) => a.place - b.place);
    this.#left = [];
    for (const { task, failure } of left) {
      if (failure !== null) throw failure.error;
      if (task !== undefined) this.#how.make(task);
    }
  }

  #take(): Batch<Task> | null {
    if (this.#left.length > 0 || this.#signal.aborted || this.isDone) return null;
    const from = this.#next;
    for (let bytes = 0; !this.isDone && this.#next - from < this.#how.batchFiles && bytes < batchBytes; this.#next += 1)
      bytes += this.#how.sizeOf(this.#tasks[this.#next] as Task);
    return { from, tasks: this.#tasks.slice(from, this.#next) };
  }

  #makeHere({ from, tasks }: Batch<Task>): void {
    for (const [at, task] of tasks.entries()) {
      try {
        this.#how.make(task);
      } catch (error) {
        this.#left.push({ place: from + at, task, failure: { error } });
        return;
      }
    }
  }

  async #makeThere({ from, tasks }: Batch<Task>, makers: FileMakers): Promise<void> {
    const orders = tasks.map((task) => this.#how.orderOf(task));
    const made = await this.#madeBy(makers, orders);
    for (const [at, task] of tasks.entries()) {
      const file = made === null ? null : madeAt(made, at);
      if (file === null) this.#left.push({ place: from + at, task, failure: null });
      else this.#how.note(task, file);
    }
  }

  async #madeBy(makers: FileMakers, orders: readonly FileOrder[]): Promise<MadeFiles | null> {
    try {
      return await makers.make({ tree: this.#how.tree, orders });
    } catch {
      // The thread has ended.
      for (const order of orders) this.#how.unmake(order);
      return null;
    }
  }
}
