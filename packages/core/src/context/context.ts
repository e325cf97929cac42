import type { ChainLink } from '../lanes/chain-link.ts';
import type { LaneName, TrustLevel } from '../lanes/lane.ts';
import type { Namespace } from '../names/namespace.ts';
import type { Bounds } from '../sharing/bounds.ts';

/** An input that decided something, for `cachelane context`. */
export interface ContextInput {
  /** `namespace`, `remote`, `project`, `lane`, `base`, `default`, `event`, … */
  readonly name: string;
  readonly value: string;
  /**
   * The source of the value: `--namespace`, `CACHELANE_NAMESPACE`, `cachelane.yaml:2`, `remote origin in
   * .git/config`, `GITHUB_REF in the environment`.
   */
  readonly source: string;
}

export interface NamedParents {
  readonly parents: readonly Namespace[];
  /** `CACHELANE_PARENTS`, `cachelane.yaml:3`. */
  readonly by: string;
}

/** A parent from a file in the repository, outside the repository's own names. */
export interface ClaimedParent {
  readonly namespace: Namespace;
  /** `cachelane.yaml:3`. */
  readonly source: string;
}

/** Parents that only the repository names. Its writers must not decide which other caches its runs read. */
export interface ClaimedParents {
  readonly parents: readonly ClaimedParent[];
  /** Whether they need a grant. Outside CI they are read with a warning. */
  readonly needGrant: boolean;
  /** What other namespaces share with the project; null: not known yet, so nothing counts as shared. */
  readonly shared: Bounds | null;
}

/** The identity and the place of a command. */
export interface Context {
  readonly endpoint: 'local';
  readonly namespace: Namespace;
  readonly parents: readonly Namespace[];
  /** Parents named explicitly, with their source. Absent: the path prefixes. */
  readonly named?: NamedParents;
  /** The parents among them that only the repository names, if any. */
  readonly claimed?: ClaimedParents;
  /** The directory's name without a remote or any other source: `local/<dir>-<hash>`. */
  readonly localNamespace: Namespace;
  /**
   * The local name, if the project has since gained a lasting name (a remote, a configuration file) and its caches
   * belong to it. Otherwise null.
   */
  readonly adoptFrom: Namespace | null;
  readonly lane: LaneName;
  readonly trust: TrustLevel;
  /** The lane of the default branch; null if unknown. */
  readonly defaultLane: LaneName | null;
  /** Nearest first; the run writes the first. */
  readonly readChain: readonly ChainLink[];
  /** Whether the user's personal tier is below everything else, for tools that verify its contents. */
  readonly personalTier: boolean;
  readonly canWrite: boolean;
  /** The bounds of a confined session, which limit the links of each volume. Absent: no bounds. */
  readonly bounds?: Bounds;
  /** The reason for the lane and for write access, one clause of display text. */
  readonly why: string;
  readonly inputs: readonly ContextInput[];
}
