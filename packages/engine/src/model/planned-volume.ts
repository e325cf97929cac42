import type { ChainLink, Compat, LaneName, Namespace, Sync, Tool } from '@cachelane/core';
import type { ReachQuestion } from './reach-question.ts';
import type { CommitPolicy, VolumeRequest } from './volume-request.ts';

/** A requested volume with its tool, path, identity and read chain: all decisions that need no store. */
export interface PlannedVolume {
  readonly request: VolumeRequest;
  /** Also never stores credentials known by their place in the home directory. */
  readonly tool: Tool;
  /** Absolute path where the command sees it. */
  readonly target: string;
  /** Whether the tool can use another path. */
  readonly isRedirectable: boolean;
  /** What decided the path; display text. */
  readonly targetSource: string;
  readonly compat: Compat;
  readonly commit: CommitPolicy;
  readonly sync: Sync;
  /** The lane that the run writes. */
  readonly own: ChainLink;
  /** Nearest first, starting with the own lane. */
  readonly chain: readonly ChainLink[];
  /** One sentence of display text each. */
  readonly warnings: readonly string[];
  /** The grant that a save needs; null: none. */
  readonly grant: ReachQuestion | null;
  /** Limits which runs may share a directory of this volume; null: no limit. */
  readonly sharingKey: string | null;
  /** The namespace whose bounds limit feeding at the end; null: none. */
  readonly boundedTo: Namespace | null;
  /** Namespaces that may receive what the run saves, by their feed rules; nearest first. */
  readonly tiers: readonly Namespace[];
  /** The lane of the default branch, if known. */
  readonly defaultLane: LaneName | null;
}

export function isUnstored({ request }: Pick<PlannedVolume, 'request'>): boolean {
  return request.provided !== undefined && request.provided.backing.kind !== 'volume';
}
