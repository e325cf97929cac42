import type { Digest } from '../base/digest.ts';
import type { Namespace } from '../names/namespace.ts';
import type { Compat, VolumeName } from '../names/volume.ts';
import type { SharingMode } from '../ports/mounter.ts';

/**
 * The owner of a definition's volume. `project`: each consumer has its own volume, above what the namespaces above
 * share. `catalog`: the publishing namespace has one volume for all.
 */
export const definitionTiers = ['project', 'catalog'] as const;
export type DefinitionTier = (typeof definitionTiers)[number];

/** One volume in a catalog. */
export interface VolumeDefinition {
  /** The name that consumers use: `pip-cache`. */
  readonly name: string;
  /** The tool whose rules decide what is stored and how it merges. */
  readonly tool: string;
  /** The key of the volume. */
  readonly key: VolumeName;
  readonly tier: DefinitionTier;
  /** Null: the tool's default. */
  readonly sharing: SharingMode | null;
  /** Added to the tool's own fields. */
  readonly compat: Compat;
  /** For people, in paragraphs; may be empty. */
  readonly docs: string;
  /** The reason and the replacement; display text; null: not deprecated. */
  readonly deprecated: string | null;
}

/** The content of a catalog, sorted by definition names. Immutable: a change makes a new version. */
export interface CatalogContent {
  readonly docs: string;
  readonly definitions: readonly VolumeDefinition[];
}

export interface Catalog extends CatalogContent {
  readonly namespace: Namespace;
  /** 1 for the first; each new content adds 1. */
  readonly version: number;
  /** The digest of the canonical text. */
  readonly digest: Digest;
  readonly publishedAtMs: number;
}
