import type { ReadPolicy } from '../lanes/access.ts';
import type { PlatformHints } from '../lanes/platform-hints.ts';
import type { Namespace } from '../names/namespace.ts';
import type { Grantee } from '../sharing/grantee.ts';

/** A value in `cachelane.yaml` with its line, for messages. */
export interface ConfiguredName {
  readonly value: string;
  readonly line: number;
}

/** The names in `cachelane.yaml`. */
export interface ConfigNames {
  /** Absolute real path of the file's directory: the project's, or one above it in the repository. */
  readonly directory: string;
  readonly namespace?: ConfiguredName | null;
  /** Null or absent: the path prefixes. An empty list means none. */
  readonly parents?: readonly ConfiguredName[] | null;
}

export interface RepositoryFacts {
  /** Absolute real path of the work tree. */
  readonly root: string;
  /** The configured url, with a relative path made absolute. */
  readonly remote: { readonly name: string; readonly url: string } | null;
}

/** Parents from the user's own configuration for some projects. */
export interface UserParents {
  /** The projects. */
  readonly of: Grantee;
  /** An empty list means none. */
  readonly parents: readonly Namespace[];
  /** The file and line; display text. */
  readonly source: string;
}

/** The inputs of a context. Paths are absolute and real, with `/`. */
export interface ContextSources {
  readonly namespaceFlag: string | null;
  /** CACHELANE_NAMESPACE. Empty counts as unset, as often in CI. */
  readonly namespaceVariable: string | null;
  /** CACHELANE_PARENTS. Null, absent or empty: not set. */
  readonly parentsVariable?: string | null;
  /** From the user's own configuration. */
  readonly userParents?: readonly UserParents[];
  readonly config: ConfigNames | null;
  readonly repository: RepositoryFacts | null;
  /** The project's directory, and what made it one; display text: `package.json`, `root of the git repository`. */
  readonly project: { readonly directory: string; readonly source: string };
  /** Null outside CI. */
  readonly platform: PlatformHints | null;
  /** The setting that requests the user's personal tier; display text. */
  readonly personalTier?: string | null;
  readonly policy?: ReadPolicy;
  /**
   * Whether grants check the parents. Parents from the file then count even with a forced name, if the file is about
   * that name.
   */
  readonly isBounded?: boolean;
}

/** The project's namespace and its source. */
export interface NamedProject {
  readonly namespace: Namespace;
  readonly by: 'flag' | 'variable' | 'config' | 'remote' | 'path';
  readonly source: string;
}
