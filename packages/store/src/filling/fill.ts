import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from '../files/file-errors.ts';
import type { FileMakers } from './file-makers.ts';
import { madeAt, type FileOrder, type MadeFile, type MadeFiles } from './file-messages.ts';

/** How files are made of which each is a task all on its own. */
export interface FileTasks<Task> {
  /** Absolute path of the directory that they are made in. */
  readonly tree: string;
  readonly tasks: readonly Task[];
  readonly batchFiles: number;
  sizeOf(task: Task): number;
  /** For somebody else. */
  orderOf(task: Task): FileOrder;
  /** Somebody else did it. */
  note(task: Task, made: MadeFile): void;
  /** Does it here. */
  make(task: Task): void;
  /** Removes what there is of a file of which nobody knows how much somebody else did. */
  unmake(order: FileOrder): void;
}

const batchBytes = 4 * 1_048_576;
/** For each maker: the next batch is there when one is done with. */
const batchesPerMaker = 2;

/**
 * Makes files in this thread, which has nothing else to do, and in those that help: one that takes long to start, or is not to be had, holds
 * up nothing. What helpers could not make is made here, and fails here if it does: so the error is that of the first file that fails, and the one that
 * it always was. When this ends, however it does, nobody is at work any more.
 */
export async function makeAll<Task>(
  how: FileTasks<Task>,
  makers: FileMakers | null,
  signal: AbortSignal,
): Promise<void> {
  const batches = new Batches(how, signal);
  while (!batches.isDone) {
    const own = batches.workHere();
    // Where all is done before they are at work, nobody waits for them.
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

/** A task that was not done; `failure`: for good. */
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

  /** One batch after the other, until there are no more or something was left. Never rejects, or others would go on. */
  async workHere(): Promise<void> {
    for (let batch = this.#take(); batch !== null; batch = this.#take()) {
      this.#makeHere(batch);
      await setImmediate();
    }
  }

  /** The same by others. */
  async workThere(makers: FileMakers): Promise<void> {
    for (let batch = this.#take(); batch !== null; batch = this.#take()) {
      try {
        await this.#makeThere(batch, makers);
      } catch (error) {
        this.#left.push({ place: batch.from, task: undefined, failure: { error } });
      }
    }
  }

  /** The first ones first: all that comes before them is there. */
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
      // A thread that is no more.
      for (const order of orders) this.#how.unmake(order);
      return null;
    }
  }
}
