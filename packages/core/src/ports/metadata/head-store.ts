import type { NamespaceId, RunId, VolumeId } from '../../base/ids.ts';
import type { LaneName } from '../../lanes/lane.ts';
import type { LayerId } from '../../layers/entry.ts';
import type { SquashRecord } from '../../snapshots/squashes.ts';
import type { HeadRecord, HistoryRecord, LayerCounts, LayerRecord, VolumeRecord } from './head-records.ts';
import type { RunRecord } from './run-record.ts';
import type { SyncedChange } from './sync-store.ts';

export interface CommitRequest {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  /** The generation that the caller read; 0 for none. */
  readonly expectedGeneration: number;
  /** The head after the move, top first. */
  readonly layers: readonly LayerId[];
  /** The pushed, published layer; null if layers are only removed. */
  readonly layer: LayerRecord | null;
  /**
   * Other published layers that are new in the head: made from its own by removing entries, or pulled from a remote.
   */
  readonly rewritten?: readonly LayerRecord[];
  /** Runs named by layers from a remote. Known runs do not change. They are kept like runs that saved something. */
  readonly runs?: readonly RunRecord[];
  /** What the head and its remote counterpart have in common after the move. */
  readonly synced?: SyncedChange;
  /** Layers that leave the head, its records and `synced` because their content is missing here. Remotes keep them. */
  readonly lost?: readonly LayerId[];
  /**
   * Runs that contributed to the new head. If one is revoked for the namespace, nothing changes. Throws
   * E_LAYER_REFUSED.
   */
  readonly origins?: Iterable<RunId>;
  readonly run: RunId;
  readonly counts: LayerCounts;
  readonly atMs: number;
}

export type CommitResult =
  | { readonly kind: 'moved'; readonly head: HeadRecord }
  | { readonly kind: 'conflict'; readonly head: HeadRecord | null };

export interface HeadStore {
  head(volumeId: VolumeId, lane: LaneName, signal: AbortSignal): Promise<HeadRecord | undefined>;
  commit(request: CommitRequest, signal: AbortSignal): Promise<CommitResult>;
  /** Returns the history, newest first. */
  history(volumeId: VolumeId, lane: LaneName, signal: AbortSignal): Promise<readonly HistoryRecord[]>;
  listHeads(signal: AbortSignal): Promise<readonly HeadRecord[]>;
  /** Returns the heads of these volumes. The cost depends on them only. */
  headsOf(volumes: readonly VolumeId[], signal: AbortSignal): Promise<readonly HeadRecord[]>;
  volume(id: VolumeId, signal: AbortSignal): Promise<VolumeRecord | undefined>;
  listVolumes(signal: AbortSignal): Promise<readonly VolumeRecord[]>;
  /** Returns the volumes of one namespace. The cost depends on them only. */
  volumesOf(namespaceId: NamespaceId, signal: AbortSignal): Promise<readonly VolumeRecord[]>;
  /** Returns the layer as first saved. See {@link volumesHolding} for its current holders. */
  layer(id: LayerId, signal: AbortSignal): Promise<LayerRecord | undefined>;
  /** Returns the volumes with a lane that holds the layer, in the order of their ids. */
  volumesHolding(id: LayerId, signal: AbortSignal): Promise<readonly VolumeId[]>;
  run(id: RunId, signal: AbortSignal): Promise<RunRecord | undefined>;
  /**
   * Deletes the volume's heads (of one lane, or all) and their history, and the volume when no head is left. A locked
   * volume is deleted when its session closes.
   */
  removeVolume(volumeId: VolumeId, lane: LaneName | null, signal: AbortSignal): Promise<void>;
  /** Returns the layers that a head, a history row, an unexpired squash or a live session refers to. */
  referencedLayers(nowMs: number, signal: AbortSignal): Promise<ReadonlySet<LayerId>>;
  /**
   * Forgets and returns the unreferenced layers among `candidates`, and drops expired history and squashes, in one
   * transaction. Later opens and commits cannot refer to the returned layers.
   */
  forgetLayers(candidates: readonly LayerId[], nowMs: number, signal: AbortSignal): Promise<readonly LayerId[]>;
}

export interface SquashRequest {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  /** The published squash. */
  readonly layer: LayerRecord;
  /** The replaced layers, top first. */
  readonly layers: readonly LayerId[];
  readonly atMs: number;
}

export interface SquashStore {
  /**
   * Returns the known squashes of a lane, whether or not the head names them. `forgetLayers` drops expired ones; see
   * `expireSquashes`.
   */
  squashes(volumeId: VolumeId, lane: LaneName, signal: AbortSignal): Promise<readonly SquashRecord[]>;
  /**
   * Replaces layers of the current head with their squash. Generation and history stay, because readers find the same
   * content. Returns undefined and changes nothing if the head does not name those layers side by side. Replaced
   * layers stay referenced for `limits.revocationMs`. Errors: E_LAYER_MISSING if the squash was forgotten.
   */
  squash(request: SquashRequest, signal: AbortSignal): Promise<HeadRecord | undefined>;
}
