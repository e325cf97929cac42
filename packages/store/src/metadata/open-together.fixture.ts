import { workerData } from 'node:worker_threads';
import { openStore } from './real-world.fixture.ts';

/** Opens each store at the same moment as the other threads. */
const { files, gate, threads } = workerData as OpenTogether;

export interface OpenTogether {
  readonly files: readonly string[];
  /** Counts arrivals. */
  readonly gate: Int32Array;
  readonly threads: number;
}

for (const [round, file] of files.entries()) {
  Atomics.add(gate, 0, 1);
  while (Atomics.load(gate, 0) < (round + 1) * threads);
  await using metadata = await openStore(file);
  await metadata.listNamespaces(new AbortController().signal);
}
