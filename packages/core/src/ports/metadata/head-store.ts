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
  /** The generation that the caller saw; 0 for none. */
  readonly expectedGeneration: number;
  /** The head after the move, top first. */
  readonly layers: readonly LayerId[];
  /** The pushed layer, already published; null when layers are only taken away. */
  readonly layer: LayerRecord | null;
  /** Other layers that the head did not name before: made of some of its own by taking entries out, or come from a remote; published too. */
  readonly rewritten?: readonly LayerRecord[];
  /** Those that layers from a remote name; known ones stay as they are. They are kept as runs are that saved something. */
  readonly runs?: readonly RunRecord[];
  /** What the head has in common with its counterpart in a remote after the move. */
  readonly synced?: SyncedChange;
  /** Layers that leave the head because their content is gone here: no remote is to lose them for that. They leave the head's records, and `synced`. */
  readonly lost?: readonly LayerId[];
  /** Runs with a part in what the head comes to name: E_LAYER_REFUSED, having changed nothing, where one of them is revoked for the volume's namespace. */
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
  /** Newest first. */
  history(volumeId: VolumeId, lane: LaneName, signal: AbortSignal): Promise<readonly HistoryRecord[]>;
  listHeads(signal: AbortSignal): Promise<readonly HeadRecord[]>;
  /** As {@link listHeads}, of these volumes: costs what they have, whatever else the store has. */
  headsOf(volumes: readonly VolumeId[], signal: AbortSignal): Promise<readonly HeadRecord[]>;
  volume(id: VolumeId, signal: AbortSignal): Promise<VolumeRecord | undefined>;
  listVolumes(signal: AbortSignal): Promise<readonly VolumeRecord[]>;
  /** As {@link listVolumes}, of one namespace: costs what that has, whatever else the store has. */
  volumesOf(namespaceId: NamespaceId, signal: AbortSignal): Promise<readonly VolumeRecord[]>;
  /** As it was saved first, whoever names it by now: see {@link volumesHolding}. */
  layer(id: LayerId, signal: AbortSignal): Promise<LayerRecord | undefined>;
  /** Volumes of which some lane holds the layer, in the order of their ids. */
  volumesHolding(id: LayerId, signal: AbortSignal): Promise<readonly VolumeId[]>;
  run(id: RunId, signal: AbortSignal): Promise<RunRecord | undefined>;
  /** Deletes the volume's heads (of one lane, or all), their history, and the volume itself when no head is left; one that is locked goes with the session that locks it. Layers become unreferenced. */
  removeVolume(volumeId: VolumeId, lane: LaneName | null, signal: AbortSignal): Promise<void>;
  /** Layers that some head, history row or squash within its window, or live session refers to. */
  referencedLayers(nowMs: number, signal: AbortSignal): Promise<ReadonlySet<LayerId>>;
  /**
   * In one transaction: of `candidates`, forgets and returns those that nothing refers to at this moment, and drops expired history and squashes.
   * Once returned, no later open or commit can refer to them.
   */
  forgetLayers(candidates: readonly LayerId[], nowMs: number, signal: AbortSignal): Promise<readonly LayerId[]>;
}

export interface SquashRequest {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  /** The squash, already published. */
  readonly layer: LayerRecord;
  /** What it replaces, top first. */
  readonly layers: readonly LayerId[];
  readonly atMs: number;
}

export interface SquashStore {
  /** Squashes that are known of a lane, whether the head names them or not. Forgotten by `forgetLayers`, see `expireSquashes`. */
  squashes(volumeId: VolumeId, lane: LaneName, signal: AbortSignal): Promise<readonly SquashRecord[]>;
  /**
   * Puts a squash in the place of what it replaces, wherever the head is by now; its generation, and its history, stay as they are, since readers find the same. Undefined, having changed nothing, where the
   * head does not name those layers side by side. Replaced layers stay referenced for `limits.revocationMs`. Errors: E_LAYER_MISSING where the squash was forgotten before.
   */
  squash(request: SquashRequest, signal: AbortSignal): Promise<HeadRecord | undefined>;
}
