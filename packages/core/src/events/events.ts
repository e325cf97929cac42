import type { CachelaneError, ErrorCode } from '../base/errors.ts';
import type { RunId } from '../base/ids.ts';
import type { ChainLink } from '../lanes/chain-link.ts';
import type { LaneName, TrustLevel } from '../lanes/lane.ts';
import type { LayerId } from '../layers/entry.ts';
import type { Namespace } from '../names/namespace.ts';
import type { Eviction } from '../ports/metadata/collection-store.ts';
import type { MounterName, SharingMode } from '../ports/mounter.ts';
import type { Survivor } from '../ports/runtime.ts';

/** How one conflicting path was decided. */
export interface Conflict {
  /** Display form. */
  readonly path: string;
  /** `later run kept`, `nearest lane kept`, … for people. */
  readonly resolution: string;
  /** Holds the version that does not show; null where it is not known any more. */
  readonly layer: LayerId | null;
}

/** What of a volume went over the network. */
export interface SyncReport {
  /** For people: `s3://bucket/prefix`. */
  readonly remote: string;
  readonly pulledLayers: number;
  /** What came for it, as it went over the wire. */
  readonly pulledBytes: number;
  /** How long the run waited for all its volumes together. */
  readonly pullMs: number;
  readonly pushedLayers: number;
  readonly pushedBytes: number;
  /** As `pullMs`. */
  readonly pushMs: number;
  /** `sent`: the remote has all that the lane has; `later`: something is kept here for a later push; `none`: there was nothing to send. */
  readonly pushed: 'sent' | 'later' | 'none';
  /** Why later, one clause; else null. */
  readonly why: string | null;
  /** With what other machines had pushed meanwhile: the layer holds their version. */
  readonly conflicts: readonly Conflict[];
}

/** What decided what a volume is made of. */
export interface ProviderReport {
  /** As a reference names it: `dir:/mnt/pip`. */
  readonly provider: string;
  /** `--provider`, `CACHELANE_PROVIDERS`, `cachelane.yaml:4`. */
  readonly chosenBy: string;
  /** A volume of the store; a directory that cachelane saves nothing of; an empty one that goes after the run. Null: the run went without it. */
  readonly kind: 'volume' | 'directory' | 'nothing' | null;
  /** That, for people: `directory /mnt/pip`. */
  readonly gives: string | null;
}

/** What one volume got and gave; the shape of a row in `run --report`. */
/** A tier that took something of what a run saved. */
export interface FedTier {
  readonly namespace: Namespace;
  readonly lane: LaneName;
  /** Layers that came. */
  readonly layers: number;
  readonly sizeBytes: number;
}

export interface VolumeReport {
  readonly name: string;
  readonly path: string;
  /** Null where the run had no cache for it. */
  readonly mounter: MounterName | null;
  /** Why that mounter, one clause; null without one. */
  readonly mounterWhy: string | null;
  /** Who could be at work in it at once, as it was and not only as it was asked for; null without a mounter. */
  readonly sharing: SharingMode | null;
  readonly hits: readonly { readonly namespace: Namespace; readonly lane: LaneName; readonly layers: number }[];
  /** What lay below all lanes and held something: a directory, or `NAMESPACE:VOLUME`. Null: nothing did. */
  readonly seed: string | null;
  /** Where it started cold because what there was had been evicted: what, when and why. */
  readonly evicted: Eviction | null;
  /** Files that it made again though the volume had had them: when the last of them went because of the volume's budget. Null: none. */
  readonly cameBack: { readonly files: number; readonly sizeBytes: number; readonly atMs: number } | null;
  /** What went at its end because the volume is over its budget; null: nothing. */
  readonly shrunk: { readonly files: number; readonly sizeBytes: number; readonly budgetBytes: number } | null;
  /** Content of the layers that the run had, wherever they were before. */
  readonly restoredBytes: number;
  readonly attachMs: number;
  readonly saveMs: number;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  readonly savedBytes: number;
  readonly layer: LayerId | null;
  /** Paths that a merge driver united with work of other runs. */
  readonly merged: number;
  /** Tiers that took something of what the lane has by now; nearest first. */
  readonly fed: readonly FedTier[];
  readonly conflicts: readonly Conflict[];
  /** Why nothing was saved, or null. */
  readonly skipped: string | null;
  /** Null where it has no part in any remote. */
  readonly sync: SyncReport | null;
  /** Null: nobody chose a provider, and it is the project's own. */
  readonly provider: ProviderReport | null;
  /** What a person has to be told of the request for it, one sentence each: that its definition is deprecated, or its name in no catalog. */
  readonly warnings: readonly string[];
  /** Nothing was saved by this run, but what it did lies in a directory that others are at work in, and is saved with their work. */
  readonly leftToOthers: boolean;
}

export interface RunReport {
  readonly namespace: Namespace;
  readonly lane: LaneName;
  readonly trust: TrustLevel;
  readonly exitCode: number;
  readonly volumes: readonly VolumeReport[];
}

/** What the engine tells while it works; reporters render it, nothing else prints. */
export type EngineEvent =
  | {
      readonly type: 'session-opened';
      readonly namespace: Namespace;
      readonly lane: LaneName;
      readonly trust: TrustLevel;
      readonly readChain: readonly ChainLink[];
      readonly canWrite: boolean;
      /** Why it may or may not write, one clause. */
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
  /** Layers that lie in images are given trees, since they could not be mounted; then the run is tried once more. */
  | { readonly type: 'extracting'; readonly layers: number; readonly reason: string }
  /** For a lock that another run has; told once for each holder. `thenFails`: else the command runs without its volumes. */
  | { readonly type: 'waiting'; readonly message: string; readonly limitMs: number; readonly thenFails: boolean }
  | { readonly type: 'command-ended'; readonly exitCode: number; readonly interrupted: boolean }
  | {
      readonly type: 'leftovers';
      readonly processes: readonly Survivor[];
      readonly action: 'ending' | 'ended' | 'left';
    }
  /** At most a few per second; `total` is null while unknown. */
  | {
      readonly type: 'progress';
      readonly activity: string;
      readonly volume: string;
      readonly done: number;
      readonly total: number | null;
      /** Of `done` and `total`; entries where it is absent. */
      readonly unit?: 'bytes';
    }
  /** When the run is over, of a volume that is synced. */
  | { readonly type: 'synced'; readonly volume: string; readonly report: SyncReport }
  | { readonly type: 'volume-done'; readonly report: VolumeReport }
  | { readonly type: 'warning'; readonly code: ErrorCode; readonly message: string; readonly hint: string | null };

export type EventSink = (event: EngineEvent) => void;

/** A failure that the run goes on without, as an event. */
export function warningOf(error: CachelaneError, message: string = error.message): EngineEvent {
  return { type: 'warning', code: error.code, message, hint: error.hint ?? null };
}
