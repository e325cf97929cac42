import { CachelaneError, parseLane, type HistoryRecord, type LaneName, type LayerId } from '@cachelane/core';
import { type ListedHead } from '@cachelane/engine';
import type { Host } from '../host/host.ts';
import { findVolume, projectOf } from '../context/find-volume.ts';
import { oneHead } from './heads.ts';
import { shortId } from '../host/print.ts';
import type { ReadStore } from '../home/store.ts';

/** The suffix that selects a state. */
type StatePart =
  | { readonly kind: 'present' }
  | { readonly kind: 'lane'; readonly lane: LaneName }
  /** Digits name a generation. If there is none and they are long enough, they name a layer. */
  | { readonly kind: 'move'; readonly text: string };

export interface StateArgument {
  /** As typed. */
  readonly text: string;
  /** `NAME` or `NAMESPACE:NAME`. */
  readonly volume: string;
  readonly part: StatePart;
}

/**
 * Parses `VOLUME`, `VOLUME@LANE`, `VOLUME@GENERATION` or `VOLUME@LAYER`. Names contain no bare `@`, lanes begin with their level,
 * generations are digits, and layers have at least six hex digits. Errors: E_USAGE.
 */
export function parseState(text: string): StateArgument {
  const at = text.indexOf('@');
  if (at < 0) return { text, volume: text, part: { kind: 'present' } };
  const volume = text.slice(0, at);
  const part = text.slice(at + 1);
  if (/^\d+$|^[0-9a-f]{6,64}$/.test(part)) return { text, volume, part: { kind: 'move', text: part } };
  if (part.includes(':')) {
    parseLane(part);
    return { text, volume, part: { kind: 'lane', lane: part as LaneName } };
  }
  throw new CachelaneError('E_USAGE', `${JSON.stringify(text.slice(0, 200))} does not name a state of a volume`, {
    hint: 'after the @, write a generation (npm@12), a lane (npm@t1:ref:main), or the first 6 to 64 digits of a layer, as in cachelane log',
  });
}

export interface VolumeState {
  readonly listed: ListedHead;
  readonly generation: number;
  /** Top first. */
  readonly layers: readonly LayerId[];
}

export interface StateOptions {
  readonly directory: string | undefined;
  readonly namespace: string | undefined;
  readonly lane: string | undefined;
  readonly compat: string | undefined;
}

/** Errors: E_NOT_FOUND, E_USAGE, and those of `findVolume`. */
export async function findState(
  { host, store }: { readonly host: Host; readonly store: ReadStore },
  { text, volume, part }: StateArgument,
  options: StateOptions,
): Promise<VolumeState> {
  const lane = part.kind === 'lane' ? part.lane : await laneOf(host, options);
  const { variants } = await findVolume(host, store, { ...options, volume });
  const listed = await oneHead(store, { volume, variants, lane, compat: options.compat });
  const { head } = listed;
  if (part.kind !== 'move') return { listed, generation: head.generation, layers: head.layers };
  if (part.text === String(head.generation)) return { listed, generation: head.generation, layers: head.layers };
  const history = await store.metadata.history(listed.volume.id, lane, store.signal);
  const { generation, layers } = moveOf(history, part.text, { text, lane });
  return { listed, generation, layers };
}

/** Returns the given lane, or the one that a run here writes. */
async function laneOf(host: Host, options: StateOptions): Promise<LaneName> {
  if (options.lane === undefined) return (await projectOf(host, options)).context.lane;
  parseLane(options.lane);
  return options.lane as LaneName;
}

function moveOf(
  history: readonly HistoryRecord[],
  wanted: string,
  { text, lane }: { readonly text: string; readonly lane: LaneName },
): HistoryRecord {
  const numbered = history.find(({ generation }) => String(generation) === wanted);
  if (numbered !== undefined) return numbered;
  const pushed = wanted.length < 6 ? [] : history.filter(({ layer }) => layer?.startsWith(wanted) === true);
  const [only] = pushed;
  if (only !== undefined && pushed.length === 1) return only;
  const known = history.map(({ generation }) => generation);
  throw new CachelaneError(
    'E_NOT_FOUND',
    pushed.length > 1
      ? `${text}: ${pushed.length} layers of lane ${lane} begin with ${shortId(wanted)}`
      : `${text}: the history of lane ${lane} has no such state`,
    {
      hint:
        pushed.length > 1
          ? 'give more digits'
          : `it has generations ${known.at(-1) ?? 0} to ${known[0] ?? 0}, see: cachelane log`,
    },
  );
}
