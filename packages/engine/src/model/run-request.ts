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

/** What a run may do with its volumes: `read` sees the cache and saves nothing, `write-only` starts cold and saves, `none` runs bare. */
export const cacheModes = ['read', 'write', 'write-only', 'none'] as const;

export type CacheMode = (typeof cacheModes)[number];

/** When a run sends what it saved: before it ends, by something that is left behind, or when somebody asks for it. */
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
  /** Null: whatever suits machine and tool. */
  readonly mounter: MounterName | null;
  /** How long to wait for runs that have a LOCKED volume. */
  readonly lockWaitMs: number;
  readonly leaveProcesses: boolean;
  readonly push: PushMode;
  /** How long it waits for the remote at its start, and again at its end. */
  readonly remoteWaitMs: number;
  /** Any failure of our own is thrown instead of being a warning. */
  readonly strict: boolean;
  /** Of a change that is repeated as the same one; left out: a new one. */
  readonly run?: RunId;
  readonly revision: string | null;
  readonly workflow: string | null;
  /** What the file in the repository says of its lane's lifetime and size; null: nothing; left out: it was not looked at. */
  readonly lanePolicy?: OpenSessionRequest['lanePolicy'];
  readonly signal: AbortSignal;
}
