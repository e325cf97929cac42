import type { SeenFile } from '../layers/layer-store-fixture.ts';

/** What a command does in an attached volume. Paths are relative to it, each character one byte. */
export type VolumeStep =
  /** Makes the file, or replaces its content in place. */
  | { readonly do: 'write'; readonly path: string; readonly content: string }
  /** Makes the directory and those above it. */
  | { readonly do: 'mkdir'; readonly path: string }
  /** Files and whole directories. */
  | { readonly do: 'remove'; readonly path: string }
  /** As `mv` does, which copies where the mount cannot rename. */
  | { readonly do: 'rename'; readonly from: string; readonly to: string }
  | { readonly do: 'symlink'; readonly path: string; readonly target: string }
  | { readonly do: 'link'; readonly from: string; readonly to: string }
  | { readonly do: 'chmod'; readonly path: string; readonly mode: number }
  /** Whole seconds since the epoch. */
  | { readonly do: 'touch'; readonly path: string; readonly seconds: number }
  | { readonly do: 'fifo'; readonly path: string };

/** By path; without the volume's root. */
export type SeenVolume = ReadonlyMap<string, SeenFile>;
