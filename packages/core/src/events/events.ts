import type { CachelaneError, ErrorCode } from '../base/errors.ts';
import type { RunId } from '../base/ids.ts';
import type { ChainLink } from '../lanes/chain-link.ts';
import type { LaneName, TrustLevel } from '../lanes/lane.ts';
import type { LayerId } from '../layers/entry.ts';
import type { Namespace } from '../names/namespace.ts';
import type { Eviction } from '../ports/metadata/collection-store.ts';
import type { MounterName, SharingMode } from '../ports/mounter.ts';
import type { Survivor } from '../ports/runtime.ts';

/** How a conflicting path was resolved. */
export interface Conflict {
  /** The path in display form. */
  readonly path: string;
  /** For people: `later run kept`, `nearest lane kept`, …. */
  readonly resolution: string;
  /** The layer with the version that lost; null if unknown. */
  readonly layer: LayerId | null;
}

/** What a volume transferred over the network. */
export interface SyncReport {
  /** For people: `s3://bucket/prefix`. */
  readonly remote: string;
  readonly pulledLayers: number;
  /** Bytes received over the wire. */
  readonly pulledBytes: number;
  /** How long the run waited for the pulls of all its volumes. */
  readonly pullMs: number;
  readonly pushedLayers: number;
  readonly pushedBytes: number;
  /** How long the run waited for the pushes of all its volumes. */
  readonly pushMs: number;
  /**
   * `sent`: the remote has everything in the lane; `later`: some layers wait here for a later push; `none`: nothing
   * was pending.
   */
  readonly pushed: 'sent' | 'later' | 'none';
  /** The reason for `later`, one clause; otherwise null. */
  readonly why: string | null;
  /** Conflicts with changes that other machines pushed. The layer holds their version. */
  readonly conflicts: readonly Conflict[];
}

/** The provider of a volume. */
export interface ProviderReport {
  /** A provider reference: `dir:/mnt/pip`. */
  readonly provider: string;
  /** Where it was chosen: `--provider`, `CACHELANE_PROVIDERS`, `cachelane.yaml:4`. */
  readonly chosenBy: string;
  /**
   * A volume of the store, a directory that cachelane never saves, or an empty directory deleted after the run. Null:
   * the run had none.
   */
  readonly kind: 'volume' | 'directory' | 'nothing' | null;
  /** What it provides; display text: `directory /mnt/pip`. */
  readonly gives: string | null;
}

/** A tier that received layers of a run. */
export interface FedTier {
  readonly namespace: Namespace;
  readonly lane: LaneName;
  /** The number of new layers. */
  readonly layers: number;
  readonly sizeBytes: number;
}

/** The result of one volume; a row of `run --report`. */
export interface VolumeReport {
  readonly name: string;
  /** The volume's namespace; null: the run's own. */
  readonly namespace: Namespace | null;
  readonly path: string;
  /** Null if the run had no cache for the volume. */
  readonly mounter: MounterName | null;
  /** The reason for the mounter, one clause; null without one. */
  readonly mounterWhy: string | null;
  /** The sharing mode in effect, which may differ from the requested one; null without a mounter. */
  readonly sharing: SharingMode | null;
  readonly hits: readonly { readonly namespace: Namespace; readonly lane: LaneName; readonly layers: number }[];
  /** The seed below all lanes, if it had contents: a directory or `NAMESPACE:VOLUME`. */
  readonly seed: string | null;
  /** The eviction that explains a cold start. */
  readonly evicted: Eviction | null;
  /** Files made again after the volume's budget evicted them, and when the last was evicted. Null: none. */
  readonly cameBack: { readonly files: number; readonly sizeBytes: number; readonly atMs: number } | null;
  /** What the volume's budget removed at the end of the run; null: nothing. */
  readonly shrunk: { readonly files: number; readonly sizeBytes: number; readonly budgetBytes: number } | null;
  /** Total content of the layers in the run's view, wherever they came from. */
  readonly restoredBytes: number;
  readonly attachMs: number;
  readonly saveMs: number;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  readonly savedBytes: number;
  readonly layer: LayerId | null;
  /** The number of paths that a merge driver merged with other runs' versions. */
  readonly merged: number;
  /** Tiers that received layers of the lane, nearest first. */
  readonly fed: readonly FedTier[];
  readonly conflicts: readonly Conflict[];
  /** Why nothing was saved, or null. */
  readonly skipped: string | null;
  /** Null if the volume is not synced. */
  readonly sync: SyncReport | null;
  /** Null: the default, the project's own volume. */
  readonly provider: ProviderReport | null;
  /** Warnings about the request, one sentence each: a deprecated definition, or a name in no catalog. */
  readonly warnings: readonly string[];
  /** Whether other runs still use the shared directory and will save this run's changes with theirs. */
  readonly leftToOthers: boolean;
}

export interface RunReport {
  readonly namespace: Namespace;
  readonly lane: LaneName;
  readonly trust: TrustLevel;
  readonly exitCode: number;
  readonly volumes: readonly VolumeReport[];
}

/** What the engine reports while it works. Reporters render events; nothing else prints. */
export type EngineEvent =
  | {
      readonly type: 'session-opened';
      readonly namespace: Namespace;
      readonly lane: LaneName;
      readonly trust: TrustLevel;
      readonly readChain: readonly ChainLink[];
      readonly canWrite: boolean;
      /** Why the session may or may not write, one clause. */
      readonly why: string;
      readonly volumes: readonly { readonly name: string; readonly path: string }[];
      readonly run: RunId;
    }
  | { readonly type: 'namespace-adopted'; readonly from: Namespace; readonly to: Namespace }
  | {
      readonly type: 'attached';
      readonly volume: string;
      readonly path: string;
      readonly layers: number;
      readonly attachMs: number;
      readonly mounter: MounterName;
      readonly mounterWhy: string;
    }
  /** Image layers could not be mounted, so they are extracted and the run is tried once more. */
  | { readonly type: 'extracting'; readonly layers: number; readonly reason: string }
  /**
   * Waiting for a lock of another run; sent once for each holder. `thenFails`: the run fails after the limit instead
   * of continuing without its volumes.
   */
  | { readonly type: 'waiting'; readonly message: string; readonly limitMs: number; readonly thenFails: boolean }
  | { readonly type: 'command-ended'; readonly exitCode: number; readonly interrupted: boolean }
  | {
      readonly type: 'leftovers';
      readonly processes: readonly Survivor[];
      readonly action: 'ending' | 'ended' | 'left';
    }
  /** Sent at most a few times per second; `total` is null while unknown. */
  | {
      readonly type: 'progress';
      readonly activity: string;
      readonly volume: string;
      readonly done: number;
      readonly total: number | null;
      /** The unit of `done` and `total`; absent for entries. */
      readonly unit?: 'bytes';
    }
  /** Sent after the run, once for each synced volume. */
  | { readonly type: 'synced'; readonly volume: string; readonly report: SyncReport }
  | { readonly type: 'volume-done'; readonly report: VolumeReport }
  | { readonly type: 'warning'; readonly code: ErrorCode; readonly message: string; readonly hint: string | null };

export type EventSink = (event: EngineEvent) => void;

/** Returns a warning event for an error that does not stop the run. */
export function warningOf(error: CachelaneError, message: string = error.message): EngineEvent {
  return { type: 'warning', code: error.code, message, hint: error.hint ?? null };
}
