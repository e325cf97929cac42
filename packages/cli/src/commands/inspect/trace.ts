import { displayPath, type RunId, type RunRecord } from '@cachelane/core';
import { traceRun, type Trace, type TracedHead, listHeads, type ListedHead } from '@cachelane/engine';
import { defineCommand, jsonOption, type Command } from '../../host/command.ts';
import { compatText } from '../../context/find-volume.ts';
import { formatTable, formatTime, plural, printable } from '../../base/format.ts';
import { isoTime, printJson, shortId } from '../../host/print.ts';
import { parseRun, recordsOf, runJson, runText } from '../../inspect/run-argument.ts';
import { readStore, type ReadStore } from '../../home/store.ts';

export const trace: Command = defineCommand({
  name: 'trace',
  summary: 'list what a run saved, and which runs read it',
  examples: ['cachelane trace 4f2a6b'],
  details: [
    'Lists every head of this store with an entry of the run, even if only a squash contains it, and the runs of this machine that could read such an entry when they began. For the remote: cachelane revoke --run RUN --dry-run.',
  ],
  options: { ...jsonOption },
  operands: [{ name: 'RUN', help: 'the run id from cachelane log, or a longer prefix of it' }],
  async run({ options, operands }, host) {
    return await readStore(host, async (store) => {
      const run = await parseRun(store, operands.RUN);
      const { metadata, signal } = store;
      const found = await traceRun({ metadata, layers: await store.layers() }, run, signal);
      const traced: Traced = {
        found,
        heads: await withPlaces(store, found),
        readers: await recordsOf(store, found.readers),
      };
      if (options.json) printJson(host, toJson(traced));
      else host.stdout.write(toText(traced));
      return 0;
    });
  },
});

interface PlacedHead extends TracedHead {
  readonly listed: ListedHead;
}

interface Traced {
  readonly found: Trace;
  readonly heads: readonly PlacedHead[];
  readonly readers: readonly (readonly [RunId, RunRecord | null])[];
}

async function withPlaces(store: ReadStore, { heads }: Trace): Promise<readonly PlacedHead[]> {
  const all = await listHeads(store.metadata, store.signal);
  return heads.flatMap((traced) => {
    const listed = all.find(({ head }) => head.volumeId === traced.head.volumeId && head.lane === traced.head.lane);
    return listed === undefined ? [] : [{ ...traced, listed }];
  });
}

function toJson({ found: { run, record, revoked }, heads, readers }: Traced): unknown {
  return {
    ...(runJson(run, record) as object),
    revoked: revoked === null ? null : { at: isoTime(revoked.atMs), by: revoked.by },
    heads: heads.map(({ listed: { namespace, volume, head }, layers }) => ({
      namespace,
      volume: volume.name,
      compat: volume.compat,
      lane: head.lane,
      layers: layers.map(({ id, isReplaced, entries }) => ({
        layer: id,
        replaced: isReplaced,
        entries: entries.map(({ path, removed, origins }) => ({ path: displayPath(path), removed, runs: origins })),
      })),
    })),
    readers: readers.map(([id, reader]) => runJson(id, reader)),
  };
}

function toText({ found: { run, record, revoked }, heads, readers }: Traced): string {
  const title = `${runText(run, record)}\n`;
  const out = revoked === null ? '' : `revoked ${formatTime(revoked.atMs)} by ${printable(revoked.by)}\n`;
  const parts = heads.map(headText);
  const nowhere = heads.length === 0 ? 'No head here contains it.\n' : '';
  return `${title}${out}\n${nowhere}${parts.join('\n')}\n${readersText(readers)}`;
}

function headText({ listed: { namespace, volume, head }, layers }: PlacedHead): string {
  const count = layers.reduce((sum, { isReplaced, entries }) => sum + (isReplaced ? 0 : entries.length), 0);
  const title = `${namespace}:${volume.name} (${compatText(volume.compat)}) in lane ${head.lane}: ${plural(count, 'entry', 'entries')}\n`;
  const rows = layers.flatMap(({ id, isReplaced, entries }) =>
    entries.map(({ path, removed }) => [
      isReplaced ? `${shortId(id)} replaced` : shortId(id),
      removed === null ? '' : `removed (${removed})`,
      displayPath(path),
    ]),
  );
  return title + formatTable([{ title: 'LAYER' }, { title: '' }, { title: 'PATH' }], rows);
}

/** Also used by `cachelane revoke`. */
export function readersText(readers: readonly (readonly [RunId, RunRecord | null])[]): string {
  if (readers.length === 0) return 'No other run of this machine is known to have read it.\n';
  const lines = readers.map(([id, reader]) => `  ${runText(id, reader)}\n`);
  return `${plural(readers.length, 'run')} read some of it:\n${lines.join('')}`;
}
