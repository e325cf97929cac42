import {
  formatLane,
  parseLane,
  type HistoryRecord,
  type LaneName,
  type LayerId,
  type Revocation,
  type RunId,
  type RecordedPurpose,
  type Squashes,
  type VolumeRecord,
} from '@cachelane/core';
import { squashesOf } from '@cachelane/engine';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { compatText, findVolume } from '../../context/find-volume.ts';
import { formatBytes, formatTable, formatTime } from '../../base/format.ts';
import { headsOf } from '../../inspect/heads.ts';
import { isoTime, printJson, shortId } from '../../host/print.ts';
import { readStore, type ReadStore } from '../../home/store.ts';

export const log: Command = defineCommand({
  name: 'log',
  summary: 'list the runs that saved to a volume, newest first',
  examples: ['cachelane log npm', 'cachelane log npm --lane t1:local'],
  details: [
    'Prints one line for each move of a head, in all lanes or in --lane. Marks runs that pruned the volume, collections that reduced it to its volume-budget (SIZE is the removed size), and revoked runs. For moves without a new layer (a pull, a rollback, a repair), prints how many layers were added, by which runs, and how many were removed.',
  ],
  options: {
    ...projectOptions,
    lane: { value: 'LANE', help: 'only this lane, as in cachelane ls' },
    ...jsonOption,
  },
  operands: [{ name: 'VOLUME', help: 'NAME, or NAMESPACE:NAME' }],
  async run({ options, operands }, host) {
    const lane = options.lane === undefined ? null : formatLane(parseLane(options.lane));
    return await readStore(host, async (store) => {
      const found = await findVolume(host, store, { ...options, volume: operands.VOLUME });
      const moves = await historyOf(store, found.variants, lane);
      if (options.json) printJson(host, moves.map(toJson));
      else if (moves.length === 0)
        host.stdout.write(`${operands.VOLUME} has no history ${lane === null ? 'yet' : `in lane ${lane}`}.\n`);
      else host.stdout.write(table(moves, found.variants.length > 1));
      return 0;
    });
  },
});

interface Difference {
  readonly came: readonly { readonly layer: LayerId; readonly run: RunId | null }[];
  readonly left: number;
}

interface Move {
  readonly volume: VolumeRecord;
  readonly move: HistoryRecord;
  /** Layers that came and left with the move; null if the state before is unknown. */
  readonly difference: Difference | null;
  /** The purpose of the run; null if the run is unknown. */
  readonly purpose: RecordedPurpose | null;
  readonly revoked: Revocation | null;
}

async function historyOf(
  store: ReadStore,
  volumes: readonly VolumeRecord[],
  lane: LaneName | null,
): Promise<readonly Move[]> {
  const lanes: Move[][] = [];
  const purposes = new Map<RunId, RecordedPurpose | null>();
  for (const { volume, head } of await headsOf(store, volumes, lane)) {
    const history = await store.metadata.history(volume.id, head.lane, store.signal);
    for (const { run } of history) {
      if (!purposes.has(run)) purposes.set(run, await purposeOf(store, run));
    }
    const revoked = await store.metadata.revokedRuns(volume.namespaceId, store.signal);
    const differences: (Difference | null)[] = [];
    const squashes = await squashesOf(store.metadata, head, store.signal);
    for (const [index, move] of history.entries()) {
      differences.push(await differenceOf(store, { move, before: history[index + 1], squashes }));
    }
    lanes.push(
      history.map((move, index) => ({
        volume,
        move,
        difference: differences[index] ?? null,
        purpose: purposes.get(move.run) ?? null,
        revoked: revoked.find(({ run }) => run === move.run) ?? null,
      })),
    );
  }
  return mergeNewestFirst(lanes);
}

interface Neighbours {
  readonly move: HistoryRecord;
  readonly before: HistoryRecord | undefined;
  /** Used because a squash changes no content. */
  readonly squashes: Squashes;
}

/** Generation 1 moves from an empty head. */
async function differenceOf(
  { metadata, signal }: ReadStore,
  { move, before, squashes }: Neighbours,
): Promise<Difference | null> {
  if (before === undefined && move.generation > 1) return null;
  const old = new Set(squashes.expand(before?.layers ?? []));
  const now = new Set(squashes.expand(move.layers));
  const came: { layer: LayerId; run: RunId | null }[] = [];
  for (const layer of now) {
    if (!old.has(layer)) came.push({ layer, run: (await metadata.layer(layer, signal))?.run ?? null });
  }
  const left = old.difference(now).size;
  return { came, left };
}

async function purposeOf({ metadata, signal }: ReadStore, run: RunId): Promise<RecordedPurpose | null> {
  return (await metadata.run(run, signal))?.purpose ?? null;
}

/** Within a lane the generation decides, since clocks can jump. Between lanes the time decides. */
function mergeNewestFirst(lanes: readonly (readonly Move[])[]): readonly Move[] {
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

function toJson({ move, difference, purpose, revoked }: Move): unknown {
  const { generation, layer, run, lane, atMs, counts } = move;
  const { added, changed, removed, sizeBytes } = counts;
  return {
    generation,
    layer,
    layersCame: difference?.came ?? null,
    layersLeft: difference?.left ?? null,
    run,
    purpose,
    revoked: revoked === null ? null : { at: isoTime(revoked.atMs), by: revoked.by },
    lane,
    at: isoTime(atMs),
    added,
    changed,
    removed,
    bytes: sizeBytes,
  };
}

/** For a move without a new layer: a pull, a rollback, a repair. */
function differenceText(difference: Difference | null): string {
  if (difference === null) return '-';
  const { came, left } = difference;
  const runs = [...new Set(came.flatMap(({ run }) => (run === null ? [] : [shortId(run)])))];
  const of = runs.length === 0 ? '' : ` by ${runs.slice(0, runsShown).join(' ')}${runs.length > runsShown ? ' …' : ''}`;
  const parts = [...(came.length > 0 ? [`${came.length} added${of}`] : []), ...(left > 0 ? [`${left} removed`] : [])];
  return parts.length === 0 ? '-' : parts.join(', ');
}

const runsShown = 2;

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
    moves.map(({ volume, move, difference, purpose, revoked }) => [
      String(move.generation),
      move.lane,
      ...(withCompat ? [compatText(volume.compat)] : []),
      formatTime(move.atMs),
      move.layer === null ? differenceText(difference) : shortId(move.layer),
      [
        shortId(move.run),
        ...(purpose === null || purpose === 'run' ? [] : [purpose]),
        ...(revoked === null ? [] : ['revoked']),
      ].join(' '),
      String(move.counts.added),
      String(move.counts.changed),
      String(move.counts.removed),
      purpose === 'collection' ? `-${formatBytes(move.counts.sizeBytes)}` : formatBytes(move.counts.sizeBytes),
    ]),
  );
}
