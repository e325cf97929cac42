import { CachelaneError, newId } from '@cachelane/core';
import {
  isPending,
  squashesOf,
  planRollBack,
  requireWritable,
  rollBack,
  type RollBackPlan,
  type RolledBack,
} from '@cachelane/engine';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { countDifferences, countsText, differenceJson, summaryLines } from '../../inspect/differences.ts';
import { findVolume, projectOf } from '../../context/find-volume.ts';
import { plural } from '../../base/format.ts';
import { readBootId } from '../../home/home.ts';
import { compatOption, oneHead } from '../../inspect/heads.ts';
import { printJson } from '../../host/print.ts';
import { readStore, type ReadStore } from '../../home/store.ts';
import { toolOf } from '../../host/tool-of.ts';

const pathsShown = 10;

export const rollback: Command = defineCommand({
  name: 'rollback',
  summary: 'return a volume to an earlier generation',
  examples: ['cachelane rollback npm', 'cachelane rollback npm --to 12'],
  details: [
    'Points the head of the lane that a run here would write at the layers of that generation, by default the previous one. This makes a new generation: history keeps both, and a second rollback undoes the first.',
    'Running commands keep their files, and what they save goes on top. History reaches back 20 generations and 14 days: cachelane log.',
    'On a shared lane, other machines follow after the next run here or cachelane push.',
  ],
  options: {
    ...projectOptions,
    to: { value: 'GENERATION', help: 'a generation of this lane, as in cachelane log' },
    ...compatOption,
    'dry-run': { help: 'show what would change without changing it' },
    ...jsonOption,
  },
  operands: [{ name: 'VOLUME', help: 'NAME, or NAMESPACE:NAME' }],
  async run({ options, operands }, host) {
    const to = generationOf(options.to);
    const { context } = await projectOf(host, options);
    // Checked first, since lanes that may not be written are usually empty.
    requireWritable(context);
    return await readStore(host, async (store) => {
      const { namespace, variants } = await findVolume(host, store, { ...options, volume: operands.VOLUME });
      const question = { volume: operands.VOLUME, variants, lane: context.lane, compat: options.compat };
      const { volume } = await oneHead(store, question);
      const { clock, random } = host;
      const layers = await store.layers();
      const deps = { metadata: store.metadata, layers, clock, random, bootId: readBootId() };
      const by = newId('run', host.random.bytes(16));
      const request = { volumeId: volume.id, tool: await toolOf(host, volume), context, to, by };
      const done: RollBackPlan | RolledBack = options['dry-run']
        ? await planRollBack(deps, request, store.signal)
        : await rollBack(deps, request, store.signal);
      const name = `${namespace}:${volume.name}`;
      if (options.json) printJson(host, toJson(name, done));
      else host.stdout.write(text(name, done));
      if (!options.json && (await isElsewhere(store, done))) {
        host.stdout.write(
          'Other machines keep the old state until the next run here that uses the remote, or cachelane push\n',
        );
      }
      return 0;
    });
  },
});

/** Whether a remote has the lane and not its new state. */
async function isElsewhere({ metadata, signal }: ReadStore, done: RollBackPlan | RolledBack): Promise<boolean> {
  const head = 'head' in done ? done.head : null;
  if (head === null) return false;
  const records = await metadata.listSyncedHeads(null, signal);
  const squashes = await squashesOf(metadata, head, signal);
  return records.some(
    (record) =>
      record.volumeId === head.volumeId &&
      record.lane === head.lane &&
      record.layers.length > 0 &&
      isPending({ head, synced: record, squashes }),
  );
}

function generationOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new CachelaneError('E_USAGE', `--to must be a generation, not ${JSON.stringify(text.slice(0, 80))}`, {
    hint: 'generations are numbers, see: cachelane log',
  });
}

function toJson(volume: string, done: RollBackPlan | RolledBack): unknown {
  const { from, to, differences } = done;
  return {
    dryRun: !('head' in done),
    volume,
    lane: from.lane,
    from: from.generation,
    to: to.generation,
    generation: 'head' in done ? (done.head?.generation ?? null) : null,
    keptOnTop: 'head' in done ? done.keptOnTop : 0,
    ...(differences === null ? {} : countDifferences(differences)),
    paths: differences?.map(differenceJson) ?? null,
  };
}

function text(name: string, done: RollBackPlan | RolledBack): string {
  const { from, to, differences } = done;
  const what = differences === null ? 'the current state is damaged' : countsText(countDifferences(differences));
  if (!('head' in done)) {
    const line = `would roll ${name} in lane ${from.lane} back from generation ${from.generation} to generation ${to.generation}: ${what}\n`;
    return line + summaryLines(differences ?? [], pathsShown);
  }
  if (done.head === null) {
    return `${name} in lane ${from.lane} already equals generation ${to.generation}: nothing changed\n`;
  }
  const onTop = done.keptOnTop === 0 ? '' : `, with ${plural(done.keptOnTop, 'layer')} of concurrent runs on top`;
  return `rolled ${name} in lane ${from.lane} back from generation ${from.generation} to generation ${to.generation}, as generation ${done.head.generation}: ${what}${onTop}\n`;
}
