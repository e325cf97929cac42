import type { ChainLink } from '../lanes/chain-link.ts';
import type { LaneName, TrustLevel } from '../lanes/lane.ts';
import type { Namespace } from '../names/namespace.ts';
import type { Bounds } from '../sharing/bounds.ts';

/** One input that decided something, for `cachelane context`. */
export interface ContextInput {
  /** `namespace`, `remote`, `project`, `lane`, `base`, `default`, `event`, … */
  readonly name: string;
  readonly value: string;
  /** Where the value came from: `--namespace`, `CACHELANE_NAMESPACE`, `cachelane.yaml:2`, `remote origin in .git/config`, `GITHUB_REF in the environment`. */
  readonly source: string;
}

export interface NamedParents {
  readonly parents: readonly Namespace[];
  /** `CACHELANE_PARENTS`, `cachelane.yaml:3`. */
  readonly by: string;
}

/** A parent that a file in the repository names, and that is none of the repository's own names. */
export interface ClaimedParent {
  readonly namespace: Namespace;
  /** `cachelane.yaml:3`. */
  readonly source: string;
}

/** Parents by the word of the repository alone: whoever writes its files must not decide whose contents its runs read. */
export interface ClaimedParents {
  readonly parents: readonly ClaimedParent[];
  /** On a machine of one's own they are read all the same, and it is told. */
  readonly needGrant: boolean;
  /** What is shared with the project; null: nobody has asked yet, and nothing counts as shared. */
  readonly shared: Bounds | null;
}

/** Where and who a command is. */
export interface Context {
  readonly endpoint: 'local';
  readonly namespace: Namespace;
  readonly parents: readonly Namespace[];
  /** Those that somebody named instead of the path prefixes, and who it was; left out: nobody did. */
  readonly named?: NamedParents;
  /** Those among them that nobody but the repository names. Left out: there are none. */
  readonly claimed?: ClaimedParents;
  /** The name this directory has, or would have, without a remote or any other source: `local/<dir>-<hash>`. */
  readonly localNamespace: Namespace;
  /**
   * The local name, where its caches belong to this project too: the directory gained a name for good (a remote, a
   * configuration file). Null where it goes by its local name, and where the name was chosen for one command.
   */
  readonly adoptFrom: Namespace | null;
  readonly lane: LaneName;
  readonly trust: TrustLevel;
  /** That of the default branch; null where nothing says which one that is. */
  readonly defaultLane: LaneName | null;
  /** Nearest first; the first is the lane that is written. */
  readonly readChain: readonly ChainLink[];
  /** Whether a person's own tier lies below all of that, for tools that verify what they find there. */
  readonly personalTier: boolean;
  readonly canWrite: boolean;
  /** Of a confined session: of its read chain a volume has the links that are within them. Left out: nothing bounds it. */
  readonly bounds?: Bounds;
  /** Why this lane and whether it may write, one clause for people. */
  readonly why: string;
  readonly inputs: readonly ContextInput[];
}
