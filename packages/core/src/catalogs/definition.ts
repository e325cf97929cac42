import type { Digest } from '../base/digest.ts';
import type { Namespace } from '../names/namespace.ts';
import type { Compat, VolumeName } from '../names/volume.ts';
import type { SharingMode } from '../ports/mounter.ts';

/**
 * Whose volume a definition means. `project`: each consumer has its own, with what the namespaces above share of that key below it. `catalog`: there is one, of the namespace
 * that publishes.
 */
export const definitionTiers = ['project', 'catalog'] as const;
export type DefinitionTier = (typeof definitionTiers)[number];

/** One volume that a namespace offers, as it stands in a catalog. */
export interface VolumeDefinition {
  /** What consumers ask for: `pip-cache`. */
  readonly name: string;
  /** The tool whose rules decide what is stored and how it merges. */
  readonly tool: string;
  /** The key of the volume. */
  readonly key: VolumeName;
  readonly tier: DefinitionTier;
  /** Null: as suits the tool. */
  readonly sharing: SharingMode | null;
  /** Added to the tool's own fields. */
  readonly compat: Compat;
  /** For people, one paragraph or more; empty: nothing is said. */
  readonly docs: string;
  /** What to use instead, and why, for people; null: it is not deprecated. */
  readonly deprecated: string | null;
}

/** What a namespace offers, in the order of the definitions' names. Immutable: a change is another version. */
export interface CatalogContent {
  readonly docs: string;
  readonly definitions: readonly VolumeDefinition[];
}

export interface Catalog extends CatalogContent {
  readonly namespace: Namespace;
  /** 1 for the first that was published, and each other content one more. */
  readonly version: number;
  /** Of the canonical text. */
  readonly digest: Digest;
  readonly publishedAtMs: number;
}
