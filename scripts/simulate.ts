import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { play, type Played } from '../packages/engine/src/sim/play.fixture.ts';
import { orUsage } from './or-usage.ts';

const usage = `npm run sim [-- OPTIONS]: simulates machines that share a remote, in memory; the seed decides each history
  --seed N     the first history, 1 by default
  --count N    the number of histories; 1 with a seed, else 2000
  --trace      prints the events, even if nothing fails
  --threads N  one per processor by default
`;

interface Share {
  readonly first: number;
  readonly end: number;
  /** The distance between two histories of this thread. */
  readonly step: number;
}

interface Told extends Played {
  readonly seed: number;
}

async function playShare({ first, end, step }: Share): Promise<void> {
  for (let seed = first; seed < end; seed += step) {
    const told: Told = { seed, ...(await play({ seed })) };
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    parentPort?.postMessage(told);
  }
}

function numberOf(text: string, name: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  process.stderr.write(`--${name} is a whole number from 1 on\n`);
  process.exit(2);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      count: { type: 'string' },
      trace: { type: 'boolean', default: false },
      threads: { type: 'string', default: String(availableParallelism()) },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const first = numberOf(values.seed ?? '1', 'seed');
  // Runs the named seed, or else thousands.
  const count = numberOf(values.count ?? (values.seed === undefined ? '2000' : '1'), 'count');
  const threads = Math.min(count, numberOf(values.threads, 'threads'));

  const startedMs = performance.now();
  let turns = 0;
  let failed = 0;
  const tell = ({ seed, fault, trace, turns: taken }: Told): void => {
    turns += taken;
    if (fault !== null) failed += 1;
    if (fault === null && !values.trace) return;
    process.stdout.write(`seed ${seed}: ${fault ?? 'all holds'}\n${trace.map((line) => `  ${line}\n`).join('')}`);
  };
  await Promise.all(
    Array.from({ length: threads }, async (_, index) => {
      const share: Share = { first: first + index, end: first + count, step: threads };
      const worker = new Worker(new URL(import.meta.url), { workerData: share });
      await new Promise<void>((resolve, reject) => {
        worker.on('message', tell);
        worker.once('error', reject);
        worker.once('exit', () => resolve());
      });
    }),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  process.stdout.write(
    `${count} histories, ${turns} operations, ${failed} with a fault, ${seconds.toFixed(1)} s (${Math.round((count / seconds) * 60)} a minute)\n`,
  );
  return failed === 0 ? 0 : 1;
}

if (isMainThread) process.exitCode = await orUsage(usage, main);
else await playShare(workerData as Share);
