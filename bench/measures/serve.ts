import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import type { EngineCosts } from '../children/engine-load.ts';
import { childArgv } from '../children.ts';
import { textOf } from '../processes.ts';
import { summarize, type Summary } from '../statistics.ts';
import { atMost, milliseconds, rounded, type Row, type Section } from '../table.ts';

const launcher = join(import.meta.dirname, '../../cachelane');

/** How fast an engine is there, how fast it answers, and what it holds; asked by a process of its own on the same machine. */
export function measureServe(bench: Bench): Section {
  bench.say(`an engine, ${bench.rounds} rounds of ten seconds`);
  const text = textOf(childArgv('engine-load', launcher, String(bench.rounds)), { cwd: bench.workDir, env: bench.env });
  return { title: 'An engine', rows: rowsOf(JSON.parse(text) as EngineCosts) };
}

function rowsOf(costs: EngineCosts): readonly Row[] {
  const ready = summarize(costs.readyMs);
  const perSecond = summarize(costs.perSecond);
  const p99 = summarize(costs.p99Ms);
  const idle = summarize(costs.idleBytes);
  const volume = 'npm';
  return [
    {
      what: '`cachelane serve` until it says that it is ready',
      volume: '',
      measured: milliseconds(ready),
      bar: atMost(300, 'ms', ready),
    },
    {
      what: 'look-ups of a volume on one connection, one after the other',
      volume,
      measured: `${numbers(perSecond)} a second`,
      bar: { text: '>= 1,500 a second', met: perSecond.median >= 1500 },
    },
    {
      what: '- processor time of the engine for each',
      volume,
      measured: cpuOf(summarize(costs.lookUpCpuMs)),
    },
    {
      what: '100 clients that look up 1,000 times a second, answered or not: 99th percentile',
      volume,
      measured: milliseconds(p99),
      bar: atMost(10, 'ms', p99),
    },
    { what: '- median', volume, measured: milliseconds(summarize(costs.p50Ms)) },
    {
      what: '- for how much of those five seconds its thread waited for a processor that others had',
      volume,
      measured: milliseconds(summarize(costs.waitedMs)),
    },
    {
      what: 'memory of an engine that has answered once',
      volume: '',
      measured: megabytes(idle),
      bar: { text: '<= 120 MB', met: idle.median <= 120e6 },
    },
    {
      what: '- of one that has answered all of the above',
      volume: '',
      measured: megabytes(summarize(costs.afterBytes)),
    },
  ];
}

function numbers({ median, min, max }: Summary): string {
  const [middle, least, most] = [median, min, max].map((value) => Math.round(value).toLocaleString('en-US'));
  return `${middle} (${least} to ${most})`;
}

function cpuOf({ median, min, max }: Summary): string {
  return `${rounded(median)} ms (${rounded(min)} to ${rounded(max)})`;
}

function megabytes({ median, min, max }: Summary): string {
  const [middle, least, most] = [median, min, max].map((bytes) => Math.round(bytes / 1e6));
  return `${middle} MB (${least} to ${most})`;
}
