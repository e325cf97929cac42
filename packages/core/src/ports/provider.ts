import type { Namespace } from '../names/namespace.ts';
import type { Compat, VolumeName } from '../names/volume.ts';

/** A request for a volume at the place where the run executes. */
export interface ProviderRequest {
  /** The part of the reference after its colon. */
  readonly argument: string;
  /** The name of the volume in the code. */
  readonly volume: VolumeName;
  /** `pip`; `directory` for a path without a tool. */
  readonly tool: string;
  /** Fields from the tool and from the request that separate incompatible contents. */
  readonly compat: Compat;
  /** The requesting project. */
  readonly project: Namespace;
  /** Absolute path where the command expects the volume; null if the volume has no fixed path. */
  readonly place: string | null;
  /**
   * What the provider may download; null: nothing, as for `cachelane explain`. It may then name directories that do
   * not exist yet.
   */
  readonly fetch: ProviderRoom | null;
}

export interface ProviderRoom {
  /** Larger seeds are not used: policy `volume-size`. */
  readonly seedBytes: number;
  /** How much the store's disk may take in total: policy `free-space`. */
  readonly diskBytes: number;
}

/** What a volume consists of. */
export type Provided =
  /**
   * A volume of the store. Missing fields are as requested: the project's `namespace`, the same `name`, the tool's
   * `compat`. The request's `source` stays below it.
   */
  | {
      readonly kind: 'volume';
      readonly namespace?: Namespace;
      readonly name?: VolumeName;
      readonly compat?: Compat;
    }
  /** The command works in this directory. Cachelane never saves it. */
  | { readonly kind: 'directory'; readonly directory: string }
  /** This directory lies below the project's own volume, and is only read. */
  | { readonly kind: 'seed'; readonly directory: string }
  /** An empty directory, deleted after the run. */
  | { readonly kind: 'nothing' };

/**
 * Decides what a volume consists of. Guarantees of every provider:
 * - the same request gets the same answer while nothing that it names changes;
 * - paths are absolute and plain (no `.`, `..`, doubled slashes), and directories for a run exist;
 * - the request is not changed, and the project's directory is not read;
 * - it may take as long as a run waits for a remote, and ends soon after the signal aborts;
 * - if it cannot answer, it throws a message without credentials, and the volume is skipped.
 * It is called once for each volume of a run, and only for references of its kind.
 */
export interface Provider {
  /** The kind that references begin with: `[a-z][a-z0-9-]*`. External providers cannot use a built-in kind. */
  readonly kind: string;
  provide(request: ProviderRequest, signal: AbortSignal): Promise<Provided>;
}

/** Providers by kind, each opened when a reference first names it. */
export interface Providers {
  /** Returns undefined for an unknown kind. Errors: E_CONFIG if its module cannot be loaded. */
  find(kind: string): Promise<Provider | undefined>;
}
