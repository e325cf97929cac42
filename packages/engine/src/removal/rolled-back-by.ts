import type { LayerId, Metadata, RunId } from '@cachelane/core';
import { squashesOf, type LanePlace } from '../heads/known-squashes.ts';

export interface Repeated extends LanePlace {
  /** The run that was to move the head. */
  readonly by: RunId;
}

/** Generations as a rollback returns them. */
export interface DoneRollBack {
  readonly from: number;
  readonly to: number;
  readonly generation: number;
  readonly keptOnTop: number;
}

/** Returns what an earlier attempt at this rollback did, or null if none succeeded or history forgot it. */
export async function rolledBackBy(
  metadata: Pick<Metadata, 'history' | 'squashes'>,
  { volumeId, lane, by }: Repeated,
  signal: AbortSignal,
): Promise<DoneRollBack | null> {
  const history = await metadata.history(volumeId, lane, signal);
  const index = history.findIndex(({ run }) => run === by);
  const move = history[index];
  if (move === undefined) return null;
  // Compare without squashes, since layers may be squashed before or after.
  const squashes = await squashesOf(metadata, { volumeId, lane }, signal);
  const plain = (layers: readonly LayerId[]): readonly LayerId[] => squashes.expand(layers);
  const moved = plain(move.layers);
  const [before, ...earlier] = history.slice(index + 1);
  // An empty move went to the state before it.
  const stood = before !== undefined && isSame(plain(before.layers), moved) ? before : undefined;
  const source = stood ?? earlier.find(({ layers }) => isBottomOf(plain(layers), moved));
  return {
    from: before?.generation ?? move.generation - 1,
    to: source?.generation ?? move.generation,
    generation: move.generation,
    keptOnTop: source === undefined ? 0 : moved.length - plain(source.layers).length,
  };
}

function isSame(one: readonly LayerId[], other: readonly LayerId[]): boolean {
  return one.length === other.length && isBottomOf(one, other);
}

function isBottomOf(part: readonly LayerId[], whole: readonly LayerId[]): boolean {
  const top = whole.length - part.length;
  return top >= 0 && part.every((id, index) => id === whole[top + index]);
}
