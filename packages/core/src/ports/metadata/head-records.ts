import type { NamespaceId, RunId, VolumeId } from '../../base/ids.ts';
import type { LaneName } from '../../lanes/lane.ts';
import type { LayerId } from '../../layers/entry.ts';
import type { Compat, Sync, VolumeName } from '../../names/volume.ts';

export interface VolumeRecord {
  readonly id: VolumeId;
  readonly namespaceId: NamespaceId;
  readonly name: VolumeName;
  readonly compat: Compat;
  /** The tool whose rules made its layers; an attribute, never identity. Until there is a head, that of the last one who opened it to write. */
  readonly tool: string;
  /** Whether it is shared, as the last one said who opened it to write; an attribute, never identity. Null: nobody said, and its tool's own rule decides. */
  readonly sync: Sync | null;
  readonly createdAtMs: number;
}

export interface HeadRecord {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  /** 1 for the first commit; grows by 1 with each move. */
  readonly generation: number;
  /** Top first. */
  readonly layers: readonly LayerId[];
  readonly updatedAtMs: number;
  /** The run that moved it last. */
  readonly run: RunId;
}

export interface LayerCounts {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  readonly sizeBytes: number;
}

/** One move of a head; kept for `limits.historyGenerations` and `limits.historyMs`. */
export interface HistoryRecord {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  readonly generation: number;
  /** What the head was after the move. */
  readonly layers: readonly LayerId[];
  /** The layer that was pushed; null for a move that only took layers away. */
  readonly layer: LayerId | null;
  readonly run: RunId;
  readonly atMs: number;
  readonly counts: LayerCounts;
}

export interface LayerRecord {
  readonly id: LayerId;
  /** That whose run saved it; others may name it as well, and it may be gone. */
  readonly volumeId: VolumeId;
  readonly run: RunId;
  readonly counts: LayerCounts;
  /** Files and symlinks that it holds: neither directories nor what it takes away. */
  readonly files: number;
  readonly sealedAtMs: number;
  /** The boot during which it was written: after another one an unsettled layer is verified before use. */
  readonly bootId: string;
}
