import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { describe, fuzz, msMax, type FuzzOutcome } from './fuzz.fixture.ts';
import type { TargetFactory } from './fuzz-target.fixture.ts';

export interface WatchedOptions {
  /** URL of a module that exports `targets`. */
  readonly module: string;
  readonly target: string;
  readonly seed: number;
  readonly runs: number;
  readonly seconds: number;
  /** For a test of the watch. */
  readonly msMax?: number;
}

interface Shared extends Omit<WatchedOptions, 'msMax'> {
  readonly dir: string;
  /** The number of inputs, and the size of the current one. */
  readonly counters: SharedArrayBuffer;
  readonly input: SharedArrayBuffer;
}

const inputBytesMax = 4_194_304;
const lookEveryMs = 100;

/** Fuzzes in a separate thread, so that a hanging input is found and its files are deleted. */
export async function fuzzWatched(options: WatchedOptions): Promise<FuzzOutcome> {
  const dir = mkdtempSync(join(tmpdir(), 'cachelane-fuzz-'));
  const shared: Shared = {
    ...options,
    dir,
    counters: new SharedArrayBuffer(8),
    input: new SharedArrayBuffer(inputBytesMax),
  };
  const worker = new Worker(new URL(import.meta.url), { workerData: shared });
  try {
    return await new Promise<FuzzOutcome>((resolve, reject) => {
      const watch = setInterval(() => {
        const hang = looked();
        if (hang !== null) resolve(hang);
      }, lookEveryMs);
      const looked = hangOf(shared, options.msMax);
      worker.once('message', resolve).once('error', reject);
      worker.once('exit', (code) => reject(new Error(`the thread ended with ${code}`)));
      worker.once('exit', () => clearInterval(watch));
    });
  } finally {
    await worker.terminate();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Returns a function that tells whether the current input has taken too long. */
function hangOf({ counters, input }: Shared, limit: number | undefined): () => FuzzOutcome | null {
  const counts = new Int32Array(counters);
  let [seen, since] = [0, performance.now()];
  return () => {
    const inputs = Atomics.load(counts, 0);
    if (inputs !== seen) [seen, since] = [inputs, performance.now()];
    const bytes = Atomics.load(counts, 1);
    const took = performance.now() - since;
    if (inputs === 0 || took <= (limit ?? 2 * msMax(bytes))) return null;
    const failure = {
      input: Uint8Array.from(new Uint8Array(input, 0, bytes)),
      message: `it does not end: ${Math.round(took)} ms for ${bytes} bytes`,
    };
    return { inputs, accepted: 0, refused: {}, failure };
  };
}

async function work({ module, target: name, dir, counters, input, ...options }: Shared): Promise<FuzzOutcome> {
  const { targets } = (await import(module)) as { readonly targets: Readonly<Record<string, TargetFactory>> };
  const target = await targets[name]?.({ seed: options.seed, dir });
  if (target === undefined) throw new Error(`there is no target ${name}`);
  const counts = new Int32Array(counters);
  try {
    return await fuzz(target, {
      ...options,
      onInput(bytes) {
        new Uint8Array(input).set(bytes.subarray(0, inputBytesMax));
        Atomics.store(counts, 1, Math.min(bytes.length, inputBytesMax));
        Atomics.add(counts, 0, 1);
      },
    });
  } finally {
    target.close();
  }
}

if (!isMainThread && parentPort !== null) {
  const shared = workerData as Shared;
  try {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    parentPort.postMessage(await work(shared));
  } catch (error) {
    throw new Error(describe(error), { cause: error });
  }
}
