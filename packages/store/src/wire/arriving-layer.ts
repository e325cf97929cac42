import { digestOf, encodeIndex, type LayerId } from '@cachelane/core';
import type { StoreFiles } from '../files/store-files.ts';
import type { Piece } from './archive.ts';
import type { ArchivePlan } from '../tar/archive-plan.ts';
import { refusedWire } from './frames.ts';
import { openSink, type SinkPlace } from './piece-sinks.ts';
import { ownTaker, takePieces } from './piece-takers.ts';
import { PieceThreads, wantsThreads } from './piece-threads.ts';
import { walkArchive, type Walk } from './walk-archive.ts';

/** A layer that arrives from a remote or a file. */
export interface ArrivingLayer {
  readonly id: LayerId;
  readonly plan: ArchivePlan;
  /** Bytes of the index. */
  readonly bytes: Uint8Array;
  readonly sealedAtMs: number;
  /**
   * Reads the archive, once. Throws E_LAYER_REFUSED if archive and index differ, or if the index is not in canonical
   * form.
   */
  walk(place: SinkPlace, walk: Omit<Walk, 'sink'>): Promise<void>;
}

export function arrivingLayer(
  layer: Omit<ArrivingLayer, 'walk'>,
  pieces: AsyncIterable<Piece>,
  files: StoreFiles,
): ArrivingLayer {
  const { id, plan, bytes } = layer;
  return {
    ...layer,
    async walk(place, walk) {
      const sink = openSink(place, files);
      await using threads = wantsThreads(plan) ? PieceThreads.start(plan, bytes, place) : null;
      if (threads === null) {
        requireWritten(id, digestOf(encodeIndex(plan.index.entries())));
        await walkArchive(takePieces(pieces, plan, ownTaker(plan, sink)), plan, { ...walk, sink });
        return;
      }
      const written = threads.writtenIndex();
      written.catch(() => undefined);
      await walkArchive(takePieces(pieces, plan, threads), plan, { ...walk, sink });
      requireWritten(id, await written);
    },
  };
}

/** Throws unless the index is in canonical form: the same entries must always have the same layer id. */
function requireWritten(id: LayerId, written: string): void {
  if (written !== id) throw refusedWire('its index is not in canonical form');
}
