import type { Namespace, ProviderChoice, SharingMode, Sync, VolumeName, VolumeSeed, WhoseWord } from '@cachelane/core';
import type { DefinedVolume } from './defined-volume.ts';

/** When a run's changes are saved. */
export const commitPolicies = ['exit', 'success', 'always', 'never'] as const;

export type CommitPolicy = (typeof commitPolicies)[number];

/** A volume that a run asked for by name, lockfile or configuration. */
export interface VolumeRequest {
  /** Set by an address such as `github.com/acme/web:npm`; null: the run's own. */
  readonly namespace: Namespace | null;
  readonly name: VolumeName;
  /** The tool's name; `directory` for a path without a tool. */
  readonly tool: string;
  /** Absolute; null: the tool's default. */
  readonly path: string | null;
  /** Null: as suits the tool. */
  readonly sharing: SharingMode | null;
  /** Null: the tool's rule. */
  readonly commit: CommitPolicy | null;
  /** Null: the tool's rule. */
  readonly sync: Sync | null;
  /** Contents below the read chain; null: none. */
  readonly seed: VolumeSeed | null;
  /** Added to the tool's compat. */
  readonly compat: Readonly<Record<string, string>>;
  /** The definition in a catalog; absent: asked for by its own name. */
  readonly defined?: DefinedVolume;
  /** Who chose another namespace's volume; absent: a person, who needs no grant. */
  readonly word?: WhoseWord;
  /** Where the request comes from; display text: `-v`, `package-lock.json`, `cachelane.yaml:4`. */
  readonly source: string;
  /** The provider that decides what backs it; absent: the project's own volume. */
  readonly provider?: ProviderChoice;
  /** The provider's answer. The request is then for the provided volume. */
  readonly provided?: ProvidedVolume;
}

/** The answer of a provider. */
export interface ProvidedVolume {
  /** The name that the run asked for, used in reports. */
  readonly as: VolumeName;
  readonly backing:
    | { readonly kind: 'volume' }
    /** Absolute. */
    | { readonly kind: 'directory'; readonly directory: string }
    | { readonly kind: 'nothing' };
  /** For people. */
  readonly note?: string;
}
