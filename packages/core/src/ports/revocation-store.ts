import type { RunId, VolumeId } from '../ids.ts';
import type { LayerId } from '../layers/entry.ts';
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

export interface RevocationStore {
  /** Runs of which something is known, whose ids begin with `prefix`; in the order of ids, at most ten. */
  findRuns(prefix: string, signal: AbortSignal): Promise<readonly RunRecord[]>;
  /** Of runs of the last `limits.readsMs`; in the order of time, run and volume. */
  listReads(signal: AbortSignal): Promise<readonly ReadRecord[]>;
  /** The latest first. */
  revokedRuns(signal: AbortSignal): Promise<readonly Revocation[]>;
  /** Writes them down; one that is revoked already stays as it is. From then on `commit` takes no layer of such a run: E_LAYER_REFUSED. */
  revokeRuns(revocations: readonly Revocation[], signal: AbortSignal): Promise<void>;
}
