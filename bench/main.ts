import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openBench, type Bench } from './bench.ts';
import { provideCorpus } from './corpora/corpus.ts';
import { corpusNames, recipeOf } from './corpora/recipes.ts';
import { benchRoot, openBenchDirectory } from './directory.ts';
import { machineFacts } from './machine.ts';
import { measureBuilds } from './measures/builds.ts';
import { measureChanged } from './measures/changed.ts';
import { measureLinking } from './measures/linking.ts';
import { measureStartUp } from './measures/start-up.ts';
import { measureMemory, measureWhole } from './measures/whole.ts';
import { markdownSections, replaceMarked, type Section } from './table.ts';

const usage = `npm run bench [-- OPTIONS]
  --corpora NAMES  of ${corpusNames.join(',')}; all by default
  --rounds N       of each measurement, 5 by default
  --bars           only what has a bar: minutes instead of half an hour
  --linking        only tools that link files out of their cache; needs no corpus
  --write          put the tables into docs/BENCHMARKS.md
  --prepare        only make the corpora
Corpora lie in $CACHELANE_BENCH_DIR, by default cachelane-bench in the user's cache directory.
`;

const root = join(import.meta.dirname, '..');
const launcher = join(root, 'cachelane');
const document = join(root, 'docs/BENCHMARKS.md');

/** Everything; the order matters, since the first saves are what the others run on. */
function measureAll(bench: Bench, barsOnly: boolean): readonly Section[] {
  if (barsOnly) {
    const memory = measureMemory(bench);
    return [measureStartUp(bench), measureChanged(bench), measureLinking(bench), memory];
  }

  const whole = measureWhole(bench);
  return [measureStartUp(bench), measureChanged(bench), ...whole, measureBuilds(bench), measureLinking(bench)];
}

function main(): void {
  const { values } = parseArgs({
    options: {
      corpora: { type: 'string', default: corpusNames.join(',') },
      rounds: { type: 'string', default: '5' },
      bars: { type: 'boolean', default: false },
      linking: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      prepare: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const names = values.corpora.split(',');
  const wanted = corpusNames.filter((name) => names.includes(name));
  const rounds = Number(values.rounds);
  if (
    wanted.length !== names.length ||
    !(rounds >= 1) ||
    (values.write && (wanted.length < corpusNames.length || values.linking))
  ) {
    throw new Error(usage);
  }
  // The launcher builds what is out of date; not while something is measured.
  const version = execFileSync(launcher, ['--version'], { encoding: 'utf8' }).trim();
  const directory = openBenchDirectory(benchRoot(process.env));
  try {
    const corpora = values.linking ? [] : wanted.map((name) => provideCorpus(recipeOf(name), directory));
    if (values.prepare) return;
    const bench = openBench({ directory, corpora, rounds });
    const tables = markdownSections(values.linking ? [measureLinking(bench)] : measureAll(bench, values.bars));
    const text = `${machineFacts(directory.runDir, corpora, version)}\n\n${tables}`;
    process.stdout.write(`${text}\n`);
    if (values.write) writeFileSync(document, replaceMarked(readFileSync(document, 'utf8'), text));
  } finally {
    directory.close();
  }
}

main();
