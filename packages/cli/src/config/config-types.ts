import type { Namespace, ProviderRef, SharingMode, StatedPolicy, Sync, UserParents, VolumeName } from '@cachelane/core';
import type { CommitPolicy, PushMode } from '@cachelane/engine';

/** What a file calls a namespace whose catalog is used: `my-org`. */
export interface CatalogAlias {
  readonly alias: string;
  readonly namespace: Located<Namespace>;
}

/** A value and the line that says it, for `cachelane.yaml:4`. */
export interface Located<T> {
  readonly value: T;
  readonly line: number;
}

export interface ConfigVolume {
  readonly name: VolumeName;
  /** Null: the tool that the name names, if there is one. */
  readonly tool: Located<string> | null;
  /** Relative to the project, or beginning with `~/`. Null: where the tool says. */
  readonly path: Located<string> | null;
  /** Null: as suits the tool. */
  readonly sharing: SharingMode | null;
  /** Null: by the tool's rule. */
  readonly commit: CommitPolicy | null;
  /** Null: as the tool says. */
  readonly sync: Sync | null;
  /** A directory to seed it from, relative to the project. */
  readonly source: Located<string> | null;
  readonly compat: Readonly<Record<string, string>>;
  /** Null: the project's own volume. */
  readonly provider: Located<ProviderRef> | null;
  readonly line: number;
}

/** What a project's file says, checked. */
export interface Config {
  /** Absolute path of the file. */
  readonly path: string;
  /** The project: the directory that the file lies in. */
  readonly projectDir: string;
  readonly namespace: Located<Namespace> | null;
  /** Null: the path prefixes. An empty list means none. */
  readonly parents: readonly Located<Namespace>[] | null;
  /** In the order of the file; null where it names none, so that they are detected. */
  readonly volumes: readonly ConfigVolume[] | null;
  /** How long the caches of its lanes live and how large they may be, as far as that is less than others say. */
  readonly policy: StatedPolicy;
  /** What it calls namespaces whose catalogs it uses. */
  readonly catalogs: readonly CatalogAlias[];
  /** What is written there and has no effect, one sentence each. */
  readonly warnings: readonly string[];
}

/** What a person's own file says, for all projects. */
export interface UserConfig {
  /** Absolute path of the file. */
  readonly path: string;
  /** As written. */
  readonly remote: Located<string> | null;
  readonly push: Located<PushMode> | null;
  /** Whether a tier of the person's own lies below all projects. */
  readonly personalTier: Located<boolean> | null;
  /** What projects read below their own, whatever their files say. */
  readonly parents: readonly UserParents[];
  /** How long caches live and how large they may be, for all namespaces. */
  readonly policy: StatedPolicy;
  /** Of volumes, whatever project asks for them. */
  readonly providers: readonly UserProvider[];
  /** Absolute paths of modules that have providers of others. */
  readonly providerModules: readonly Located<string>[];
  /** What the person calls namespaces whose catalogs are used, in all projects. */
  readonly catalogs: readonly CatalogAlias[];
}

export interface UserProvider {
  readonly name: VolumeName;
  readonly ref: ProviderRef;
  /** For people: the file and the line. */
  readonly source: string;
}
