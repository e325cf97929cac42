import type { VolumeId } from '../../base/ids.ts';
import type { LaneName } from '../../lanes/lane.ts';
import type { LayerId } from '../../layers/entry.ts';
import type { SquashRecord } from '../../snapshots/squashes.ts';

/** A remote as it calls itself, wherever it is reached: 32 hex characters that its first user wrote into it. */
export type RemoteId = string & { readonly __remoteId: unique symbol };

/**
 * Layers that a head here and its counterpart in a remote have both named, as of their last comparison: what one of them lacks now was taken
 * out there, and what only one has is new.
 */
export interface SyncedHead {
  readonly remote: RemoteId;
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  /** In byte order. */
  readonly layers: readonly LayerId[];
  /** 1 for the first record; grows by 1 with each change. */
  readonly revision: number;
  readonly atMs: number;
}

/** Moves a record by compare-and-swap: several processes sync at once. */
export interface SyncedChange {
  readonly remote: RemoteId;
  readonly layers: readonly LayerId[];
  /** What the remote knows of squashes of this lane: from then on it is known here. */
  readonly squashes?: readonly SquashRecord[];
  /** The revision that the caller saw; 0 for none. */
  readonly expectedRevision: number;
}

export interface SyncStore {
  syncedHead(
    remote: RemoteId,
    volumeId: VolumeId,
    lane: LaneName,
    signal: AbortSignal,
  ): Promise<SyncedHead | undefined>;
  /** Of all remotes, or of one; in the order of remote, volume id and lane. */
  listSyncedHeads(remote: RemoteId | null, signal: AbortSignal): Promise<readonly SyncedHead[]>;
  /** Without moving the head, which need not be there. False, having changed nothing, where the record is not at that revision. E_NOT_FOUND without the volume. */
  recordSynced(request: RecordSyncedRequest, signal: AbortSignal): Promise<boolean>;
}

export interface RecordSyncedRequest extends SyncedChange {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  readonly atMs: number;
}
