import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { ImageCache } from './image-cache.ts';

export interface ThreadWork {
  readonly dir: string;
  readonly digest: string;
  readonly files: number;
  readonly nowMs: number;
  /** The number of threads that are ready to move their image into place. */
  readonly ready: Int32Array;
  readonly threads: number;
}

/** Does what each of several processes does after a reboot. Answers with the number of files in its tree. */
const { dir, digest, files, nowMs, ready, threads } = workerData as ThreadWork;
const cache = new ImageCache({ dir, bootId: 'boot-2', nowMs });
let answer: string;
try {
  const tree = await cache.add(digest, async ({ tree: into }) => {
    for (let count = 0; count < files; count++) writeFileSync(join(into, String(count)), '');
    Atomics.add(ready, 0, 1);
    Atomics.notify(ready, 0);
    for (let now = Atomics.load(ready, 0); now < threads; now = Atomics.load(ready, 0)) Atomics.wait(ready, 0, now);
    await Promise.resolve();
  });
  Atomics.add(ready, 1, 1);
  Atomics.notify(ready, 1);
  for (let now = Atomics.load(ready, 1); now < threads; now = Atomics.load(ready, 1)) Atomics.wait(ready, 1, now);
  answer = `${existsSync(tree) ? readdirSync(tree).length : 'none'}`;
} catch (error) {
  Atomics.add(ready, 1, 1);
  Atomics.notify(ready, 1);
  answer = (error as NodeJS.ErrnoException).code ?? String(error);
}
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort?.postMessage(answer);
