import type { NamespaceId, RunId, VolumeId } from '../../base/ids.ts';
import type { LaneName } from '../../lanes/lane.ts';
import type { LayerId } from '../../layers/entry.ts';
import type { Compat, Sync, VolumeName } from '../../names/volume.ts';

export interface VolumeRecord {
  readonly id: VolumeId;
  readonly namespaceId: NamespaceId;
  readonly name: VolumeName;
  readonly compat: Compat;
  /**
   * The tool whose rules made the layers; an attribute, not identity. Without a head: the tool of the last writing
   * session.
   */
  readonly tool: string;
  /**
   * Whether the volume is shared, as the last writing session said; an attribute, not identity. Null: the tool's rule
   * decides.
   */
  readonly sync: Sync | null;
  readonly createdAtMs: number;
}

export interface HeadRecord {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  /** 1 for the first commit; each move adds 1. */
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

/** One move of a head, kept for `limits.historyGenerations` and `limits.historyMs`. */
export interface HistoryRecord {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  readonly generation: number;
  /** The head after the move. */
  readonly layers: readonly LayerId[];
  /** The pushed layer; null if the move only removed layers. */
  readonly layer: LayerId | null;
  readonly run: RunId;
  readonly atMs: number;
  readonly counts: LayerCounts;
}

export interface LayerRecord {
  readonly id: LayerId;
  /** The volume of the run that saved the layer. Other volumes may name the layer too, and this one may be deleted. */
  readonly volumeId: VolumeId;
  readonly run: RunId;
  readonly counts: LayerCounts;
  /** The number of files and symlinks, without directories and removals. */
  readonly files: number;
  readonly sealedAtMs: number;
  /** The boot in which the layer was written. After a reboot, an unsettled layer is verified before use. */
  readonly bootId: string;
}
