import type { Namespace, ProviderRef, SharingMode, StatedPolicy, Sync, UserParents, VolumeName } from '@cachelane/core';
import type { CommitPolicy, PushMode } from '@cachelane/engine';

/** A file's alias for a namespace with a catalog: `my-org`. */
export interface CatalogAlias {
  readonly alias: string;
  readonly namespace: Located<Namespace>;
}

/** A value with its line, for `cachelane.yaml:4`. */
export interface Located<T> {
  readonly value: T;
  readonly line: number;
}

export interface ConfigVolume {
  readonly name: VolumeName;
  /** Null for the tool with the volume's name, if any. */
  readonly tool: Located<string> | null;
  /** Relative to the project, or beginning with `~/`. Null for the tool's place. */
  readonly path: Located<string> | null;
  /** Null for the tool's default. */
  readonly sharing: SharingMode | null;
  /** Null for the tool's rule. */
  readonly commit: CommitPolicy | null;
  /** Null for the tool's default. */
  readonly sync: Sync | null;
  /** A directory to seed from, relative to the project. */
  readonly source: Located<string> | null;
  readonly compat: Readonly<Record<string, string>>;
  /** Null for the project's own volume. */
  readonly provider: Located<ProviderRef> | null;
  readonly line: number;
}

/** The checked contents of a project's file. */
export interface Config {
  readonly path: string;
  /** The directory of the file. */
  readonly projectDir: string;
  readonly namespace: Located<Namespace> | null;
  /** Null for the path prefixes; an empty list for none. */
  readonly parents: readonly Located<Namespace>[] | null;
  /** In file order; null to detect volumes. */
  readonly volumes: readonly ConfigVolume[] | null;
  /** Lifetimes and sizes of its lanes. They can only lower other limits. */
  readonly policy: StatedPolicy;
  /** Aliases for namespaces with catalogs. */
  readonly catalogs: readonly CatalogAlias[];
  /** Settings without effect, one sentence each. */
  readonly warnings: readonly string[];
}

/** The checked contents of the user's own file, for all projects. */
export interface UserConfig {
  readonly path: string;
  /** As written. */
  readonly remote: Located<string> | null;
  readonly push: Located<PushMode> | null;
  /** Whether the personal tier is used. */
  readonly personalTier: Located<boolean> | null;
  /** Parents that projects read in addition to their own. */
  readonly parents: readonly UserParents[];
  /** Lifetimes and sizes for all namespaces. */
  readonly policy: StatedPolicy;
  /** Providers by volume, for all projects. */
  readonly providers: readonly UserProvider[];
  /** Absolute paths of modules with custom providers. */
  readonly providerModules: readonly Located<string>[];
  /** Aliases for namespaces with catalogs, in all projects. */
  readonly catalogs: readonly CatalogAlias[];
}

export interface UserProvider {
  readonly name: VolumeName;
  readonly ref: ProviderRef;
  /** File and line, for messages. */
  readonly source: string;
}
