import { newId } from '@cachelane/core';
import {
  dropFaulty,
  verifyStore,
  type FaultyLayer,
  type Verification,
  listHeads,
  type ListedHead,
} from '@cachelane/engine';
import { defineCommand, jsonOption, type Command } from '../../host/command.ts';
import { plural } from '../../base/format.ts';
import { printJson, shortId } from '../../host/print.ts';
import { withProgress } from '../../reporters/command-progress.ts';
import { readStore, type ReadStore } from '../../home/store.ts';

const problemsShown = 3;

export const verify: Command = defineCommand({
  name: 'verify',
  summary: 'check every layer for damage',
  examples: ['cachelane verify', 'cachelane verify --repair'],
  details: [
    'Compares all contents with their digests. For each damaged or missing layer, prints what is wrong and which lanes use it. The exit code is then 1.',
    '--repair removes those layers from the heads that name them; everything else stays. Runs make the lost contents again. cachelane gc deletes the files when no history names them.',
  ],
  options: {
    repair: { help: 'remove damaged layers from the heads that name them' },
    'dry-run': { help: 'with --repair: change nothing' },
    ...jsonOption,
  },
  operands: [],
  async run({ options }, host) {
    return await readStore(host, async (store) => {
      const layers = await store.layers();
      const found = await withProgress(
        host,
        options,
        async ({ update }) => await verifyStore({ metadata: store.metadata, layers }, update, store.signal),
      );
      const listed = await listHeads(store.metadata, store.signal);
      const hurts = found.faulty.some(({ heads }) => heads.length > 0);
      const mends = options.repair && !options['dry-run'] && hurts;
      if (mends) {
        const deps = { metadata: store.metadata, layers, clock: host.clock, random: host.random };
        await dropFaulty(deps, found, newId('run', host.random.bytes(16)), store.signal);
      }
      const report: Report = { ...found, repaired: mends, runs: await runsOf(store, found) };
      if (options.json) printJson(host, toJson(report, listed));
      else host.stdout.write(text(report, listed));
      return !hurts || mends ? 0 : 1;
    });
  },
});

interface Report extends Verification {
  readonly repaired: boolean;
  /** The runs that saved them, as far as known. */
  readonly runs: ReadonlyMap<string, string>;
}

async function runsOf({ metadata, signal }: ReadStore, { faulty }: Verification): Promise<Report['runs']> {
  const runs = new Map<string, string>();
  for (const { id } of faulty) {
    const record = await metadata.layer(id, signal);
    if (record !== undefined) runs.set(id, record.run);
  }
  return runs;
}

function hurt({ heads }: FaultyLayer, listed: readonly ListedHead[]): readonly ListedHead[] {
  return listed.filter(({ head }) =>
    heads.some(({ volumeId, lane }) => volumeId === head.volumeId && lane === head.lane),
  );
}

function toJson({ checked, faulty, repaired, runs }: Report, listed: readonly ListedHead[]): unknown {
  return {
    checked,
    repaired,
    damaged: faulty.map((layer) => ({
      layer: layer.id,
      run: runs.get(layer.id) ?? null,
      missing: layer.isMissing,
      problems: layer.problems,
      heads: hurt(layer, listed).map(({ namespace, volume, head }) => ({
        namespace,
        volume: volume.name,
        lane: head.lane,
        generation: head.generation,
      })),
    })),
  };
}

function text(report: Report, listed: readonly ListedHead[]): string {
  const { checked, faulty, repaired } = report;
  if (faulty.length === 0) return `${plural(checked, 'layer')} verified: no damage found\n`;
  const parts = faulty.map((layer) => layerText(report, layer, listed));
  const inUse = faulty.filter(({ heads }) => heads.length > 0).length;
  const damaged = `${plural(checked, 'layer')} verified: ${faulty.length} cannot be used`;
  const what = inUse === 1 ? '1 was' : `${inUse} were`;
  const end = repaired
    ? `, ${what} taken out of use`
    : inUse === 0
      ? ', and no head names any of them'
      : '; cachelane verify --repair removes them from use';
  return `${parts.join('')}${damaged}${end}\n`;
}

function layerText({ runs }: Report, layer: FaultyLayer, listed: readonly ListedHead[]): string {
  const run = runs.get(layer.id);
  const by = run === undefined ? '' : `, saved by ${run}`;
  const shown = layer.problems.slice(0, problemsShown).map((problem) => `  ${problem}\n`);
  const more = layer.problems.length - shown.length;
  const heads = hurt(layer, listed).map(
    ({ namespace, volume, head }) => `  in ${namespace}:${volume.name} ${head.lane}\n`,
  );
  return [
    `layer ${shortId(layer.id)} is ${layer.isMissing ? 'missing' : 'damaged'}${by}\n`,
    ...shown,
    ...(more > 0 ? [`  and ${more} more\n`] : []),
    ...(heads.length === 0 ? ['  no head names it\n'] : heads),
  ].join('');
}
