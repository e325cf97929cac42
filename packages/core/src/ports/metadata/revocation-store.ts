import type { NamespaceId, RunId, VolumeId } from '../../base/ids.ts';
import type { LayerId } from '../../layers/entry.ts';
import type { RunRecord } from './run-record.ts';

/** What a run had of a volume in its view. */
export interface ReadRecord {
  readonly run: RunId;
  readonly volumeId: VolumeId;
  /** In byte order. */
  readonly layers: readonly LayerId[];
  readonly atMs: number;
}

/** A run that is to have no part in any head: nobody brings its layers back. */
export interface Revocation {
  readonly run: RunId;
  readonly atMs: number;
  /** Who said so, for people. */
  readonly by: string;
}

/** A revocation that is written down. */
export interface RevokedRun extends Revocation {
  /** Whose volumes it counts for: one that a head told counts for the namespace of that head, since whoever writes there may name any run. Null: for all, as a person here said. */
  readonly namespaceId: NamespaceId | null;
}

export interface RevocationStore {
  /** Runs of which something is known, whose ids begin with `prefix`; in the order of ids, at most ten. */
  findRuns(prefix: string, signal: AbortSignal): Promise<readonly RunRecord[]>;
  /** Of runs of the last `limits.readsMs`; in the order of time, run and volume. */
  listReads(signal: AbortSignal): Promise<readonly ReadRecord[]>;
  /** What `listReads` has of one run and one volume; undefined: nothing. It costs the same, however many runs there were. */
  readsOf(run: RunId, volumeId: VolumeId, signal: AbortSignal): Promise<ReadRecord | undefined>;
  /** What counts for a namespace; `all`: whatever is written down. The latest first. */
  revokedRuns(of: NamespaceId | 'all', signal: AbortSignal): Promise<readonly RevokedRun[]>;
  /** Writes them down; one that is revoked already, in the same namespace or in all, stays as it is. From then on `commit` takes no layer of such a run to a volume there: E_LAYER_REFUSED. */
  revokeRuns(revocations: readonly RevokedRun[], signal: AbortSignal): Promise<void>;
}
