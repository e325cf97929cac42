import type { Namespace } from '../names/namespace.ts';
import type { Compat, VolumeName } from '../names/volume.ts';

/** What a volume is asked for, where it runs. */
export interface ProviderRequest {
  /** What the reference says after its colon. */
  readonly argument: string;
  /** The name by which the code asks for it. */
  readonly volume: VolumeName;
  /** `pip`; `directory` for a path without a tool. */
  readonly tool: string;
  /** Who can use whose contents: what the tool says here, and what was asked for. */
  readonly compat: Compat;
  /** The project that asks. */
  readonly project: Namespace;
  /** Absolute path where the command looks for it on this machine; null: it has no place of its own. */
  readonly place: string | null;
  /** What may be fetched for it to this machine; null: nothing, since somebody only asks what it would be, as `cachelane explain` does. Then what is not there yet may be named. */
  readonly fetch: ProviderRoom | null;
}

export interface ProviderRoom {
  /** A seed that holds more is not used: policy `volume-size`. */
  readonly seedBytes: number;
  /** What may be put on the disk of the store all in all: policy `free-space`. */
  readonly diskBytes: number;
}

/** What the volume is made of. */
export type Provided =
  /** A volume of the store. What is left out is as it was asked for: `namespace`, the project; `name`, the same; `compat`, what the tool says; and below it the `source` of the request. */
  | {
      readonly kind: 'volume';
      readonly namespace?: Namespace;
      readonly name?: VolumeName;
      readonly compat?: Compat;
    }
  /** This directory is what the command works in. Nothing of it is saved by cachelane, and it stays as the command leaves it. */
  | { readonly kind: 'directory'; readonly directory: string }
  /** What is in this directory lies below the project's own volume; it is read and never changed. */
  | { readonly kind: 'seed'; readonly directory: string }
  /** An empty directory, which goes after the run. */
  | { readonly kind: 'nothing' };

/**
 * Says what a volume is made of where its code runs. Guarantees of every provider:
 * - the same request is answered in the same way, as long as nothing that it names changed;
 * - paths are absolute and plain (no `.`, `..`, doubled slashes), and directories are there when they are named for a run;
 * - nothing of the request is changed, and the project's directory is not looked at;
 * - it may take as long as a run waits for a remote, and ends soon after the signal is aborted: then nobody waits for it any more;
 * - where it cannot say, it throws, in words that hold no credentials: then the volume is left out.
 * It is asked once for each volume of a run, and never where its kind is not named.
 */
export interface Provider {
  /** What references begin with: `[a-z][a-z0-9-]*`, none of ours where it comes from elsewhere. */
  readonly kind: string;
  provide(request: ProviderRequest, signal: AbortSignal): Promise<Provided>;
}

/** By kind; each is opened when a reference names it. */
export interface Providers {
  /** Undefined: nobody has such a kind. Errors: E_CONFIG for a module that cannot be used. */
  find(kind: string): Promise<Provider | undefined>;
}
