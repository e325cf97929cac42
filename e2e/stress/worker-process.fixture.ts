import { readFileSync, writeSync } from 'node:fs';
import { isCachelaneError, type ErrorCode, type RunId } from '@cachelane/core';
import { openHomeEngine, realClock } from '../engine.fixture.ts';
import { bootId, sweepingSoon } from './quick-clock.fixture.ts';
import { seededNumbers } from '../seeded.fixture.ts';
import { perform, type Worker } from './acts.fixture.ts';
import { taskOf } from './task-of.fixture.ts';
import { sharedClockMs, type Told, type WorkerOrder } from './told.fixture.ts';

/** A process that performs operations: `node worker-process.fixture.ts ORDER`, with JSON. It reports before and after each one. */
const order = JSON.parse(process.argv[2] ?? '') as WorkerOrder;

/** Errors that no operation may have, whatever is killed or concurrent. */
const never: ReadonlySet<ErrorCode> = new Set(['E_INTERNAL', 'E_STORE_CORRUPT', 'E_STORE_NEWER', 'E_LAYER_CORRUPT']);

/** Writes at once, so that a report survives a kill. */
function tell(told: Told): void {
  writeSync(1, `${JSON.stringify(told)}\n`);
}

// The parent process is gone.
process.stdin.on('end', () => process.exit(1)).resume();

let aheadMs = 0;
let run: RunId | undefined;
await using engine = await openHomeEngine({
  dir: order.dir,
  bootId,
  clock: realClock(() => aheadMs),
  events: (event) => {
    if (event.type === 'session-opened') ({ run } = event);
  },
});
const worker: Worker = {
  order,
  engine,
  deps: { ...sweepingSoon(engine.deps), remote: null },
  tell,
  lastRun: () => {
    if (run === undefined) throw new Error('there was no session yet');
    return run;
  },
  saved: [],
  taken: new Set(),
};

for (let number = order.from; number < order.to; number++) {
  aheadMs = Number(readFileSync(order.aheadFile, 'utf8'));
  const task = taskOf(number, seededNumbers(order.seed + number));
  tell({ say: 'begin', number, act: task.act, place: task.place, atMs: sharedClockMs() });
  let why: string | null;
  try {
    why = await perform(worker, task);
  } catch (error) {
    if (!isCachelaneError(error)) throw error;
    why = error.code;
    if (never.has(error.code)) tell({ say: 'fault', what: `${task.act} in ${task.place}: ${error.stack}` });
  }
  tell({ say: 'end', isDone: why === null, why, atMs: sharedClockMs() });
}
process.exit(0);
