import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openBench, type Bench } from './bench.ts';
import { bundleChildren } from './children.ts';
import { provideCorpus } from './corpora/corpus.ts';
import { corpusNames, recipeOf } from './corpora/recipes.ts';
import { benchRoot, openBenchDirectory } from './directory.ts';
import { machineFacts } from './machine.ts';
import { measureBuilds } from './measures/builds.ts';
import { measureCatalogs } from './measures/catalogs.ts';
import { measureChanged } from './measures/changed.ts';
import { measureFourJobs } from './measures/four-jobs.ts';
import { measureImages } from './measures/images.ts';
import { measureLinking } from './measures/linking.ts';
import { measureProjects } from './measures/projects.ts';
import { measureServe } from './measures/serve.ts';
import { measureStartUp } from './measures/start-up.ts';
import { measureStoreSize } from './measures/store-size.ts';
import { measureTiers } from './measures/tiers.ts';
import { measureMemory, measureWhole } from './measures/whole.ts';
import { measureWire } from './measures/wire.ts';
import { markdownSections, replaceMarked, type Section } from './table.ts';

const usage = `npm run bench [-- OPTIONS]
  --corpora NAMES  of ${corpusNames.join(',')}; all by default
  --rounds N       rounds of each measurement, 5 by default
  --bars           only rows with a bar: minutes instead of half an hour
  --linking        only tools that link files from their cache; needs no corpus
  --wire           only the wire form of layers
  --images         only layers pulled as images
  --four-jobs      only four jobs that share a remote; needs no corpus
  --serve          only the engine; needs no corpus
  --catalogs       only a large catalog; needs no corpus
  --tiers          only names in tiers; needs no corpus
  --store-size     only stores of several sizes; needs no corpus
  --layers NUMBERS sizes of those stores, 10,1000,100000 by default; a layer takes 20 kB
  --projects N     only the disk usage of N projects; needs no corpus
  --write          put the tables into docs/reference/benchmarks.md
  --prepare        only create the corpora
Corpora are kept in $CACHELANE_BENCH_DIR, by default cachelane-bench in the user's cache directory.
`;

const root = join(import.meta.dirname, '..');
const launcher = join(root, 'cachelane');
const document = join(root, 'docs/reference/benchmarks.md');

/** Measures everything, in this order, because the first saves are the input of the others. */
function measureAll(bench: Bench, barsOnly: boolean): readonly Section[] {
  if (barsOnly) {
    const memory = measureMemory(bench);
    return [
      measureStartUp(bench),
      measureChanged(bench),
      measureLinking(bench),
      ...measureWire(bench),
      ...measureImages(bench),
      measureServe(bench),
      measureCatalogs(bench),
      measureTiers(bench),
      memory,
    ];
  }

  const whole = measureWhole(bench);
  return [
    measureStartUp(bench),
    measureChanged(bench),
    ...whole,
    measureBuilds(bench),
    measureLinking(bench),
    ...measureWire(bench),
    ...measureImages(bench),
    measureFourJobs(bench),
    measureServe(bench),
    measureCatalogs(bench),
    measureTiers(bench),
    measureStoreSize(bench, storeSizes),
    measureProjects(bench, projectCount),
  ];
}

interface Wanted {
  readonly bars: boolean;
  readonly linking: boolean;
  readonly wire: boolean;
  readonly images: boolean;
  readonly 'four-jobs': boolean;
  readonly serve: boolean;
  readonly catalogs: boolean;
  readonly tiers: boolean;
  readonly 'store-size': boolean;
  readonly layers: string;
  readonly projects?: string;
}

function measureWanted(bench: Bench, { bars, linking, wire, images, ...others }: Wanted): readonly Section[] {
  if (linking) return [measureLinking(bench)];
  if (others['four-jobs']) return [measureFourJobs(bench)];
  if (others.catalogs) return [measureCatalogs(bench)];
  if (others.serve) return [measureServe(bench)];
  if (others.tiers) return [measureTiers(bench)];
  if (others['store-size']) return [measureStoreSize(bench, numbersIn(others.layers))];
  if (others.projects !== undefined) return [measureProjects(bench, numbersIn(others.projects)[0] ?? 1)];
  if (images) return measureImages(bench);
  return wire ? measureWire(bench) : measureAll(bench, bars);
}

const storeSizes = [10, 1000, 100_000];
const projectCount = 20;

/** Parses the numbers. Throws the usage on an error. */
function numbersIn(text: string): readonly number[] {
  const numbers = text.split(',').map(Number);
  if (numbers.some((each) => !Number.isSafeInteger(each) || each < 1)) throw new Error(usage);
  return numbers;
}

function main(): void {
  const { values } = parseArgs({
    options: {
      corpora: { type: 'string', default: corpusNames.join(',') },
      rounds: { type: 'string', default: '5' },
      bars: { type: 'boolean', default: false },
      linking: { type: 'boolean', default: false },
      wire: { type: 'boolean', default: false },
      images: { type: 'boolean', default: false },
      'four-jobs': { type: 'boolean', default: false },
      serve: { type: 'boolean', default: false },
      catalogs: { type: 'boolean', default: false },
      tiers: { type: 'boolean', default: false },
      'store-size': { type: 'boolean', default: false },
      layers: { type: 'string', default: storeSizes.join(',') },
      projects: { type: 'string' },
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
  const withoutCorpus =
    values.linking ||
    values['four-jobs'] ||
    values.serve ||
    values.catalogs ||
    values.tiers ||
    values['store-size'] ||
    values.projects !== undefined;
  if (
    wanted.length !== names.length ||
    !(rounds >= 1) ||
    (values.write && (wanted.length < corpusNames.length || withoutCorpus || values.wire || values.images))
  ) {
    throw new Error(usage);
  }
  // The launcher builds first, not during a measurement.
  const version = execFileSync(launcher, ['--version'], { encoding: 'utf8' }).trim();
  bundleChildren();
  const directory = openBenchDirectory(benchRoot(process.env));
  try {
    const corpora = withoutCorpus ? [] : wanted.map((name) => provideCorpus(recipeOf(name), directory));
    if (values.prepare) return;
    const bench = openBench({ directory, corpora, rounds });
    const tables = markdownSections(measureWanted(bench, values));
    const text = `${machineFacts(directory.runDir, corpora, version)}\n\n${tables}`;
    process.stdout.write(`${text}\n`);
    if (values.write) writeFileSync(document, replaceMarked(readFileSync(document, 'utf8'), text));
  } finally {
    directory.close();
  }
}

main();
