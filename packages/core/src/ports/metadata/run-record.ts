import type { NamespaceId, RunId } from '../../base/ids.ts';
import type { LaneName } from '../../lanes/lane.ts';

/** Provenance of a run. Command lines are left out because they may hold secrets. */
export interface RunRecord {
  readonly id: RunId;
  readonly namespaceId: NamespaceId;
  readonly lane: LaneName;
  readonly startedAtMs: number;
  /** The checkout's commit and the CI workflow, if known. */
  readonly revision: string | null;
  readonly workflow: string | null;
  /** A prune run's layer removes what it saw and lies directly above it. */
  readonly purpose: RecordedPurpose;
}

/** `prune`: the command is the tool's own clean-up, so its removals count. */
export const runPurposes = ['run', 'prune'] as const;
export type RunPurpose = (typeof runPurposes)[number];

/**
 * `collection`: an eviction by the volume's budget, without a command. No layer names it, so it never reaches a
 * remote.
 */
export type RecordedPurpose = RunPurpose | 'collection';
