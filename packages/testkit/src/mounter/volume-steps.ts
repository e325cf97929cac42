import type { SeenFile } from '../layers/layer-store-fixture.ts';

/** A command's step in an attached volume. Paths are relative to it, each character one byte. */
export type VolumeStep =
  /** Creates the file or replaces its content in place. */
  | { readonly do: 'write'; readonly path: string; readonly content: string }
  /** Makes the directory and its parents. */
  | { readonly do: 'mkdir'; readonly path: string }
  /** Removes files and whole directories. */
  | { readonly do: 'remove'; readonly path: string }
  /** Like `mv`, which copies where the mount cannot rename. */
  | { readonly do: 'rename'; readonly from: string; readonly to: string }
  | { readonly do: 'symlink'; readonly path: string; readonly target: string }
  | { readonly do: 'link'; readonly from: string; readonly to: string }
  | { readonly do: 'chmod'; readonly path: string; readonly mode: number }
  /** Whole seconds since the epoch. */
  | { readonly do: 'touch'; readonly path: string; readonly seconds: number }
  | { readonly do: 'fifo'; readonly path: string };

/** By path; without the volume's root. */
export type SeenVolume = ReadonlyMap<string, SeenFile>;
