import type { Namespace, ProviderChoice, SharingMode, Sync, VolumeName, VolumeSeed, WhoseWord } from '@cachelane/core';
import type { DefinedVolume } from './defined-volume.ts';

/** When a run's changes are saved: the tool decides, or the person does. */
export const commitPolicies = ['exit', 'success', 'always', 'never'] as const;

export type CommitPolicy = (typeof commitPolicies)[number];

/** A volume that a run asked for, by name, by lockfile or by configuration. */
export interface VolumeRequest {
  /** Another namespace than the run's own, from an address such as `github.com/acme/web:npm`. */
  readonly namespace: Namespace | null;
  readonly name: VolumeName;
  /** The tool's name; `directory` for a path without a tool. */
  readonly tool: string;
  /** Absolute; null: where the tool says. */
  readonly path: string | null;
  /** Null: as suits the tool. */
  readonly sharing: SharingMode | null;
  /** When its changes are saved; null: by the tool's own rule. */
  readonly commit: CommitPolicy | null;
  /** Whether it is worth sending elsewhere; null: as the tool says. */
  readonly sync: Sync | null;
  /** What lies below all that is read of it; null: nothing. */
  readonly seed: VolumeSeed | null;
  /** Added to what the tool says. */
  readonly compat: Readonly<Record<string, string>>;
  /** Of a catalog, that it was asked for by; left out: by its own name. */
  readonly defined?: DefinedVolume;
  /** Whose word it is that it is had, where it is another namespace's; left out: a person's, which needs no grant. */
  readonly word?: WhoseWord;
  /** Who says what it is and where, for people: `-v`, `package-lock.json`, `cachelane.yaml:4`. */
  readonly source: string;
  /** Who is to say what it is made of; left out: it is the project's own volume. */
  readonly provider?: ProviderChoice;
  /** What came of that, once it was asked: the request is for that then. */
  readonly provided?: ProvidedVolume;
}

/** What a provider said. */
export interface ProvidedVolume {
  /** The name by which it was asked for, and is told of. */
  readonly as: VolumeName;
  readonly backing:
    | { readonly kind: 'volume' }
    /** Absolute. */
    | { readonly kind: 'directory'; readonly directory: string }
    | { readonly kind: 'nothing' };
  /** What people have to know of it; left out: nothing. */
  readonly note?: string;
}
