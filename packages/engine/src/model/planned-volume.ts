import type { ChainLink, Compat, LaneName, Namespace, Sync, Tool } from '@cachelane/core';
import type { ReachQuestion } from './reach-question.ts';
import type { CommitPolicy, VolumeRequest } from './volume-request.ts';

/** A requested volume with everything decided that needs no store: tool, place, identity, chain. */
export interface PlannedVolume {
  readonly request: VolumeRequest;
  /** Never stores credentials either that are some by where the volume lies. */
  readonly tool: Tool;
  /** Absolute path where the command sees it. */
  readonly target: string;
  /** Whether the tool can be told to look elsewhere. */
  readonly isRedirectable: boolean;
  /** Who decided the path, for people. */
  readonly targetSource: string;
  readonly compat: Compat;
  /** When what a run changed is saved. */
  readonly commit: CommitPolicy;
  readonly sync: Sync;
  /** The lane that is written. */
  readonly own: ChainLink;
  /** Nearest first, the own lane at the head. */
  readonly chain: readonly ChainLink[];
  /** What a person has to be told of the request, one sentence each. */
  readonly warnings: readonly string[];
  /** What has to be granted before anything is saved to it; null: it is the run's own, or a person's word. */
  readonly grant: ReachQuestion | null;
  /** Those who may be at work in one directory with it, beside what the volume is; null: whoever has the same volume. */
  readonly company: string | null;
  /** Whose bounds are asked before anything of another namespace is looked at when it ends; null: nothing bounds it. */
  readonly boundedTo: Namespace | null;
  /** Namespaces that what a run saves may go to as well, where they have a rule for it; nearest first. */
  readonly tiers: readonly Namespace[];
  /** That of the default branch, where that is known. */
  readonly defaultLane: LaneName | null;
}

export function isUnstored({ request }: Pick<PlannedVolume, 'request'>): boolean {
  return request.provided !== undefined && request.provided.backing.kind !== 'volume';
}
