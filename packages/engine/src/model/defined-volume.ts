import type { Compat, Namespace, NamespaceId, SharingMode, VolumeName } from '@cachelane/core';

export type ByLock = 'confirmed' | 'alone';

/** The definition that a request used. */
export interface UsedDefinition {
  /** The namespace that offers it. */
  readonly namespaceId: NamespaceId;
  readonly namespace: Namespace;
  readonly name: string;
  readonly version: number;
}

/** A volume request made from a definition. */
export interface DefinedVolume {
  /** The namespace of the volume; null: the consumer's own. */
  readonly namespace: Namespace | null;
  readonly key: VolumeName;
  /** Added to the tool's compat. */
  readonly compat: Compat;
  readonly tool: string;
  /** Null: as suits the tool. */
  readonly sharing: SharingMode | null;
  /** For people, one sentence; null: neither deprecated nor removed later. */
  readonly deprecated: string | null;
  /** The catalog's note. */
  readonly note?: string;
  readonly byLock?: ByLock;
  readonly definition: UsedDefinition;
}

/** Returns the warnings of a definition, one sentence each. */
export function deprecations(defined: Pick<DefinedVolume, 'deprecated' | 'note'> | undefined): readonly string[] {
  return [defined?.deprecated, defined?.note].filter((text) => typeof text === 'string');
}
