import type { NamespaceId, RunId, VolumeId } from '../../base/ids.ts';
import type { LayerId } from '../../layers/entry.ts';
import type { RunRecord } from './run-record.ts';

/** The layers of a volume that a run saw. */
export interface ReadRecord {
  readonly run: RunId;
  readonly volumeId: VolumeId;
  /** In byte order. */
  readonly layers: readonly LayerId[];
  readonly atMs: number;
}

/** A run whose layers must never return to a head. */
export interface Revocation {
  readonly run: RunId;
  readonly atMs: number;
  /** Who revoked it; display text. */
  readonly by: string;
}

/** A stored revocation. */
export interface RevokedRun extends Revocation {
  /**
   * The namespace where it counts. A revocation from a remote head counts only for that head's namespace, because its
   * writer may name any run. Null: all namespaces, revoked by a user here.
   */
  readonly namespaceId: NamespaceId | null;
}

export interface RevocationStore {
  /** Returns at most ten known runs whose ids begin with `prefix`, in the order of ids. */
  findRuns(prefix: string, signal: AbortSignal): Promise<readonly RunRecord[]>;
  /** Returns the reads of the last `limits.readsMs`, in the order of time, run and volume. */
  listReads(signal: AbortSignal): Promise<readonly ReadRecord[]>;
  /** Returns the read record of one run and volume. The cost does not depend on the number of runs. */
  readsOf(run: RunId, volumeId: VolumeId, signal: AbortSignal): Promise<ReadRecord | undefined>;
  /** Returns the revocations that count for a namespace, or all; latest first. */
  revokedRuns(of: NamespaceId | 'all', signal: AbortSignal): Promise<readonly RevokedRun[]>;
  /**
   * Records revocations. An existing one, for the same or all namespaces, stays. From then on `commit` refuses layers
   * of such a run there with E_LAYER_REFUSED.
   */
  revokeRuns(revocations: readonly RevokedRun[], signal: AbortSignal): Promise<void>;
}
