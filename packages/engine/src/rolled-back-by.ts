import type { LayerId, Metadata, RunId } from '@cachelane/core';
import type { LanePlace } from './known-squashes.ts';

export interface Repeated extends LanePlace {
  /** The run on whose behalf the head was to move. */
  readonly by: RunId;
}

/** Generations, as the answer to a rollback has them. */
export interface DoneRollBack {
  readonly from: number;
  readonly to: number;
  readonly generation: number;
  readonly keptOnTop: number;
}

/** What an earlier attempt at the same rollback did, as long as history knows of it; null where none came so far. */
export async function rolledBackBy(
  metadata: Pick<Metadata, 'history'>,
  { volumeId, lane, by }: Repeated,
  signal: AbortSignal,
): Promise<DoneRollBack | null> {
  const history = await metadata.history(volumeId, lane, signal);
  const index = history.findIndex(({ run }) => run === by);
  const move = history[index];
  if (move === undefined) return null;
  const [before, ...earlier] = history.slice(index + 1);
  // Where there was nothing to do, it went to where it was.
  const stood = before !== undefined && isSame(before.layers, move.layers) ? before : undefined;
  const source = stood ?? earlier.find(({ layers }) => isBottomOf(layers, move.layers));
  return {
    from: before?.generation ?? move.generation - 1,
    to: source?.generation ?? move.generation,
    generation: move.generation,
    keptOnTop: source === undefined ? 0 : move.layers.length - source.layers.length,
  };
}

function isSame(one: readonly LayerId[], other: readonly LayerId[]): boolean {
  return one.length === other.length && isBottomOf(one, other);
}

function isBottomOf(part: readonly LayerId[], whole: readonly LayerId[]): boolean {
  const top = whole.length - part.length;
  return top >= 0 && part.every((id, index) => id === whole[top + index]);
}
