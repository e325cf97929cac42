import { type HistoryRecord, type VolumeRecord } from '@cachelane/core';
import { defineCommand, jsonOption, projectOptions, type Command } from '../command.ts';
import { compatText, findVolume } from '../find-volume.ts';
import { formatBytes, formatTable, formatTime } from '../format.ts';
import { headsOf } from '../heads.ts';
import { isoTime, printJson, shortId } from '../print.ts';
import { readStore, type ReadStore } from '../store.ts';

export const log: Command = defineCommand({
  name: 'log',
  summary: 'show how a volume came to be, newest first',
  details: ['One line for each move of a head, in all lanes of the volume or in that of --lane.'],
  options: {
    ...projectOptions,
    lane: { value: 'LANE', help: 'only this lane, as cachelane ls shows it' },
    ...jsonOption,
  },
  operands: [{ name: 'VOLUME', help: 'NAME, or NAMESPACE:NAME' }],
  async run({ options, operands }, host) {
    return await readStore(host, async (store) => {
      const found = await findVolume(host, store, { ...options, volume: operands.VOLUME });
      const moves = await historyOf(store, found.variants, options.lane);
      if (options.json)
        printJson(
          host,
          moves.map(({ move }) => toJson(move)),
        );
      else if (moves.length === 0) host.stdout.write(`${operands.VOLUME} has no history yet.\n`);
      else host.stdout.write(table(moves, found.variants.length > 1));
      return 0;
    });
  },
});

interface Move {
  readonly volume: VolumeRecord;
  readonly move: HistoryRecord;
}

async function historyOf(
  store: ReadStore,
  volumes: readonly VolumeRecord[],
  lane: string | undefined,
): Promise<readonly Move[]> {
  const lanes: Move[][] = [];
  for (const { volume, head } of await headsOf(store, volumes, null)) {
    if (lane !== undefined && head.lane !== lane) continue;
    lanes.push((await store.metadata.history(volume.id, head.lane, store.signal)).map((move) => ({ volume, move })));
  }
  return mergeNewestFirst(lanes);
}

/** Inside a lane the order is that of generations, whatever the clock did; between lanes there is only the clock. */
export function mergeNewestFirst(lanes: readonly (readonly Move[])[]): readonly Move[] {
  const rest = lanes.map((moves) => [...moves]);
  const merged: Move[] = [];
  for (;;) {
    let newest: Move[] | undefined;
    for (const moves of rest) {
      const candidate = moves[0];
      if (candidate === undefined) continue;
      if (newest?.[0] === undefined || candidate.move.atMs > newest[0].move.atMs) newest = moves;
    }
    const next = newest?.shift();
    if (next === undefined) return merged;
    merged.push(next);
  }
}

function toJson({ generation, layer, run, lane, atMs, counts }: HistoryRecord): unknown {
  const { added, changed, removed, sizeBytes } = counts;
  return { generation, layer, run, lane, at: isoTime(atMs), added, changed, removed, bytes: sizeBytes };
}

const right = { align: 'right' } as const;

function table(moves: readonly Move[], withCompat: boolean): string {
  const compat = withCompat ? [{ title: 'COMPAT' }] : [];
  return formatTable(
    [
      { title: 'GEN', ...right },
      { title: 'LANE' },
      ...compat,
      { title: 'AT' },
      { title: 'LAYER' },
      { title: 'RUN' },
      { title: 'ADDED', ...right },
      { title: 'CHANGED', ...right },
      { title: 'REMOVED', ...right },
      { title: 'SIZE', ...right },
    ],
    moves.map(({ volume, move }) => [
      String(move.generation),
      move.lane,
      ...(withCompat ? [compatText(volume.compat)] : []),
      formatTime(move.atMs),
      move.layer === null ? '-' : shortId(move.layer),
      shortId(move.run),
      String(move.counts.added),
      String(move.counts.changed),
      String(move.counts.removed),
      formatBytes(move.counts.sizeBytes),
    ]),
  );
}
