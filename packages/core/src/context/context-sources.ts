import type { ReadPolicy } from '../lanes/access.ts';
import type { PlatformHints } from '../lanes/platform-hints.ts';
import type { Namespace } from '../names/namespace.ts';
import type { Grantee } from '../sharing/grantee.ts';

/** A value in `cachelane.yaml` and its line, for messages. */
export interface ConfiguredName {
  readonly value: string;
  readonly line: number;
}

/** What `cachelane.yaml` says about names. */
export interface ConfigNames {
  /** Absolute real path of the directory that holds the file: the project's own, or one above it in the repository. */
  readonly directory: string;
  readonly namespace?: ConfiguredName | null;
  /** Null or left out: the path prefixes. An empty list means none. */
  readonly parents?: readonly ConfiguredName[] | null;
}

export interface RepositoryFacts {
  /** Absolute real path of the work tree. */
  readonly root: string;
  /** The url as the configuration has it, a relative path made absolute. */
  readonly remote: { readonly name: string; readonly url: string } | null;
}

/** Parents that a person gives to projects of their own choice. */
export interface UserParents {
  /** Which projects. */
  readonly of: Grantee;
  /** An empty list means none. */
  readonly parents: readonly Namespace[];
  /** For people: the file and the line. */
  readonly source: string;
}

/** All that a context is derived from. Paths are absolute and real, with `/`. */
export interface ContextSources {
  readonly namespaceFlag: string | null;
  /** CACHELANE_NAMESPACE; empty counts as not set, as an unset variable in CI often is. */
  readonly namespaceVariable: string | null;
  /** CACHELANE_PARENTS, likewise; null or left out: not set. */
  readonly parentsVariable?: string | null;
  /** Of the person's own file; left out: there are none. */
  readonly userParents?: readonly UserParents[];
  readonly config: ConfigNames | null;
  readonly repository: RepositoryFacts | null;
  /** The project's directory, and for people what made it one: `package.json`, `root of the git repository`. */
  readonly project: { readonly directory: string; readonly source: string };
  /** Null: not in CI. */
  readonly platform: PlatformHints | null;
  /** Who wants a tier of their own below all projects, in words for people; null or left out: nobody. */
  readonly personalTier?: string | null;
  readonly policy?: ReadPolicy;
  /** What is read of parents is held against grants, whoever names them: so those of the file count also where the name was forced, if it is the one that the file is about. */
  readonly isBounded?: boolean;
}

/** The project's namespace and who decided it. */
export interface NamedProject {
  readonly namespace: Namespace;
  readonly by: 'flag' | 'variable' | 'config' | 'remote' | 'path';
  readonly source: string;
}
