import type { NamespaceId, RunId } from '../../base/ids.ts';
import type { LaneName } from '../../lanes/lane.ts';

/** Provenance of a run. Command lines are not kept: they may hold secrets. */
export interface RunRecord {
  readonly id: RunId;
  readonly namespaceId: NamespaceId;
  readonly lane: LaneName;
  readonly startedAtMs: number;
  /** Commit of the project's checkout and the CI workflow, where known. */
  readonly revision: string | null;
  readonly workflow: string | null;
  /** What it was for: a clean-up's layer takes away what it saw, and lies right above that. */
  readonly purpose: RecordedPurpose;
}

/** `prune`: the command is the tool's own clean-up, and what it removes counts. */
export const runPurposes = ['run', 'prune'] as const;
export type RunPurpose = (typeof runPurposes)[number];

/** `collection`: no command, but what took away what a volume had beyond its budget. No layer names it, so no other machine hears of it. */
export type RecordedPurpose = RunPurpose | 'collection';
