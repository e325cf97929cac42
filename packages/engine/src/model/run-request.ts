import type {
  Context,
  DirectoryIdentity,
  MounterName,
  OpenSessionRequest,
  RunId,
  RunPurpose,
  ToolEnvironment,
} from '@cachelane/core';
import type { VolumeRequest } from './volume-request.ts';

/** What a run does with its volumes: `read` saves nothing, `write-only` starts cold, `none` runs without volumes. */
export const cacheModes = ['read', 'write', 'write-only', 'none'] as const;

export type CacheMode = (typeof cacheModes)[number];

/** When a run pushes: before it ends, in a background process, or not at all. */
export const pushModes = ['wait', 'background', 'never'] as const;

export type PushMode = (typeof pushModes)[number];

export interface RunCommandRequest {
  readonly context: Context;
  readonly volumes: readonly VolumeRequest[];
  readonly directory: DirectoryIdentity | null;
  readonly environment: ToolEnvironment;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly mode: CacheMode;
  readonly purpose: RunPurpose;
  /** Null: the engine chooses. */
  readonly mounter: MounterName | null;
  /** How long to wait for a LOCKED volume. */
  readonly lockWaitMs: number;
  readonly leaveProcesses: boolean;
  readonly push: PushMode;
  /** How long to wait for the remote, at the start and again at the end. */
  readonly remoteWaitMs: number;
  /** Throw cache failures instead of warning. */
  readonly strict: boolean;
  /** The id of a run that is repeated; absent: a new id. */
  readonly run?: RunId;
  readonly revision: string | null;
  readonly workflow: string | null;
  /** Lifetimes and sizes from the project's file; null: none; absent: the file was not read. */
  readonly lanePolicy?: OpenSessionRequest['lanePolicy'];
  readonly signal: AbortSignal;
}
