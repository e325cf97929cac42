import type { VolumeId } from '../../base/ids.ts';
import type { LaneName } from '../../lanes/lane.ts';
import type { LayerId } from '../../layers/entry.ts';
import type { SquashRecord } from '../../snapshots/squashes.ts';

/** Identifies a remote independently of its address: 32 hex characters that its first user wrote into it. */
export type RemoteId = string & { readonly __remoteId: unique symbol };

/**
 * The layers that a local head and its remote counterpart have both named, as of their last comparison. A layer
 * missing on one side now was removed there; a layer on only one side is new.
 */
export interface SyncedHead {
  readonly remote: RemoteId;
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  /** In byte order. */
  readonly layers: readonly LayerId[];
  /** 1 for the first record; each change adds 1. */
  readonly revision: number;
  readonly atMs: number;
}

/** Moves a record by compare-and-swap, because several processes sync at once. */
export interface SyncedChange {
  readonly remote: RemoteId;
  readonly layers: readonly LayerId[];
  /** Squashes of this lane that the remote knows; they are recorded here. */
  readonly squashes?: readonly SquashRecord[];
  /** The revision that the caller read; 0 for none. */
  readonly expectedRevision: number;
}

export interface SyncStore {
  syncedHead(
    remote: RemoteId,
    volumeId: VolumeId,
    lane: LaneName,
    signal: AbortSignal,
  ): Promise<SyncedHead | undefined>;
  /** Returns the records of one remote or of all, in the order of remote, volume id and lane. */
  listSyncedHeads(remote: RemoteId | null, signal: AbortSignal): Promise<readonly SyncedHead[]>;
  /**
   * Records a comparison without moving the head, which may not exist. Returns false and changes nothing at another
   * revision. Errors: E_NOT_FOUND if the volume does not exist.
   */
  recordSynced(request: RecordSyncedRequest, signal: AbortSignal): Promise<boolean>;
}

export interface RecordSyncedRequest extends SyncedChange {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  readonly atMs: number;
}
