import type { Compat, Namespace, NamespaceId, SharingMode, VolumeName } from '@cachelane/core';

export type ByLock = 'confirmed' | 'alone';

/** By which definition a volume was asked for. */
export interface UsedDefinition {
  /** Who offers it. */
  readonly namespaceId: NamespaceId;
  readonly namespace: Namespace;
  readonly name: string;
  readonly version: number;
}

/** What a definition makes of the request for a volume. */
export interface DefinedVolume {
  /** Whose it is; null: whoever asks has its own. */
  readonly namespace: Namespace | null;
  readonly key: VolumeName;
  /** Added to what the tool says. */
  readonly compat: Compat;
  readonly tool: string;
  /** Null: as suits the tool. */
  readonly sharing: SharingMode | null;
  /** For people, one sentence; null: it is neither deprecated nor gone since. */
  readonly deprecated: string | null;
  /** These are those of the catalog. */
  readonly note?: string;
  readonly byLock?: ByLock;
  readonly definition: UsedDefinition;
}

/** What has to be told of it, one sentence each. */
export function deprecations(defined: Pick<DefinedVolume, 'deprecated' | 'note'> | undefined): readonly string[] {
  return [defined?.deprecated, defined?.note].filter((text) => typeof text === 'string');
}
