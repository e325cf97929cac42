import { join } from 'node:path';
import { mountOf, type Bench } from '../bench.ts';
import type { EntriesCosts } from '../children/engine-entries.ts';
import type { EngineCosts } from '../children/engine-load.ts';
import { childArgv } from '../children.ts';
import { textOf } from '../processes.ts';
import { summarize, type Summary } from '../statistics.ts';
import { atMost, milliseconds, rounded, type Row, type Section } from '../table.ts';

const launcher = join(import.meta.dirname, '../../cachelane');

/** Start time, response time and memory of an engine, measured by a separate process. */
export function measureServe(bench: Bench): Section {
  bench.say(`an engine, ${bench.rounds} rounds of ten seconds`);
  const load = textOf(childArgv('engine-load', launcher, String(bench.rounds)), { cwd: bench.workDir, env: bench.env });
  return { title: 'An engine', rows: [...rowsOf(JSON.parse(load) as EngineCosts), ...entriesRows(bench)] };
}

const listed = { directories: 1200, filesOfEach: 100 };

const makeListed = `
const { mkdirSync, writeFileSync } = require('node:fs');
for (let dir = 0; dir < ${listed.directories}; dir++) {
  const path = process.argv[1] + '/packages/some-library-' + dir + '/lib';
  mkdirSync(path, { recursive: true });
  for (let file = 0; file < ${listed.filesOfEach}; file++) writeFileSync(path + '/module-' + file + '.js', dir + ' ' + file);
}`;

/** Measures the listing in a separate, otherwise empty store. */
function entriesRows(bench: Bench): readonly Row[] {
  bench.say('entries of a large volume, page by page');
  const env = { ...bench.env, CACHELANE_HOME: bench.path('listed-store') };
  const { path, volume } = mountOf(bench, 'listed');
  bench.run(volume, [process.execPath, '-e', makeListed, path], { env });
  const argv = childArgv('engine-entries', launcher, 'listed', String(bench.rounds));
  const costs = JSON.parse(textOf(argv, { cwd: bench.workDir, env })) as EntriesCosts;
  const first = summarize(costs.perSecond);
  return [
    {
      what: 'entries with path, size and digest, in pages of 10,000, from a new engine',
      volume: `${costs.entries.toLocaleString('en-US')} entries`,
      measured: `${numbers(first)} a second`,
      bar: { text: '>= 50,000 a second', met: first.median >= 50_000 },
    },
    { what: '- the second time', volume: '', measured: `${numbers(summarize(costs.againPerSecond))} a second` },
    {
      what: '- with all fields',
      volume: '',
      measured: `${numbers(summarize(costs.wholePerSecond))} a second`,
    },
    { what: '- memory of the engine at the end', volume: '', measured: megabytes(summarize(costs.endBytes)) },
  ];
}

function rowsOf(costs: EngineCosts): readonly Row[] {
  const ready = summarize(costs.readyMs);
  const perSecond = summarize(costs.perSecond);
  const p99 = summarize(costs.p99Ms);
  const idle = summarize(costs.idleBytes);
  const volume = 'npm';
  return [
    {
      what: '`cachelane serve` until its ready line',
      volume: '',
      measured: milliseconds(ready),
      bar: atMost(300, 'ms', ready),
    },
    {
      what: 'sequential volume look-ups on one connection',
      volume,
      measured: `${numbers(perSecond)} a second`,
      bar: { text: '>= 1,500 a second', met: perSecond.median >= 1500 },
    },
    {
      what: '- processor time of the engine per look-up',
      volume,
      measured: cpuOf(summarize(costs.lookUpCpuMs)),
    },
    {
      what: '100 clients with 1,000 look-ups a second: 99th percentile',
      volume,
      measured: milliseconds(p99),
      bar: atMost(10, 'ms', p99),
    },
    { what: '- median', volume, measured: milliseconds(summarize(costs.p50Ms)) },
    {
      what: '- waiting for a processor, in five seconds',
      volume,
      measured: milliseconds(summarize(costs.waitedMs)),
    },
    {
      what: 'memory of an engine after one answer',
      volume: '',
      measured: megabytes(idle),
      bar: { text: '<= 120 MB', met: idle.median <= 120e6 },
    },
    {
      what: '- after all of the above',
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
