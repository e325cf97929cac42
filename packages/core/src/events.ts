import type { RunId } from './ids.ts';
import type { LayerId } from './layers/entry.ts';
import type { LaneName, TrustLevel } from './lanes/lane.ts';
import type { Namespace } from './names/namespace.ts';
import type { ChainLink } from './ports/metadata.ts';
import type { MounterName, SharingMode } from './ports/mounter.ts';
import type { Survivor } from './ports/runtime.ts';
import type { CachelaneError, ErrorCode } from './errors.ts';

/** How one conflicting path was decided. */
export interface Conflict {
  /** Display form. */
  readonly path: string;
  /** `later run kept`, `nearest lane kept`, … for people. */
  readonly resolution: string;
  /** Holds the version that does not show; null where it is not known any more. */
  readonly layer: LayerId | null;
}

/** What one volume got and gave; the shape of a row in `run --report`. */
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
  readonly attachMs: number;
  readonly saveMs: number;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  readonly savedBytes: number;
  readonly layer: LayerId | null;
  /** Paths that a merge driver united with work of other runs. */
  readonly merged: number;
  readonly conflicts: readonly Conflict[];
  /** Why nothing was saved, or null. */
  readonly skipped: string | null;
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
    }
  | { readonly type: 'volume-done'; readonly report: VolumeReport }
  | { readonly type: 'warning'; readonly code: ErrorCode; readonly message: string; readonly hint: string | null };

export type EventSink = (event: EngineEvent) => void;

/** A failure that the run goes on without, as an event. */
export function warningOf(error: CachelaneError, message: string = error.message): EngineEvent {
  return { type: 'warning', code: error.code, message, hint: error.hint ?? null };
}
