import type {
  Compat,
  LaneName,
  Namespace,
  NamespaceRecord,
  SharingMode,
  VolumeName,
  VolumeOwner,
  VolumeSeed,
} from '@cachelane/core';
import type { DefinedVolume } from '@cachelane/engine';
import { formatNodeId, type NamedDefinition, type VolumeNodeId } from '../values/node-id.ts';

/** A source that the caller may have. */
export interface VolumeSource {
  readonly seed: VolumeSeed;
  /** As the schema has it. */
  readonly node: { readonly directory: string | null; readonly volume: string | null };
}

/** A volume that somebody asked about, whether it holds anything or not. */
export interface VolumeSubject {
  /** Its present name. */
  readonly namespace: Namespace;
  /** Undefined: no run has used it. */
  readonly record: NamespaceRecord | undefined;
  readonly key: VolumeName;
  readonly compat: Compat;
  readonly tool: string;
  readonly sharing: SharingMode | null;
  /** Who its files are to belong to in a container. */
  readonly owner: VolumeOwner | null;
  /** What lies below all that is read of it. */
  readonly source: VolumeSource | null;
  readonly warnings: readonly string[];
  /** By which definition it was asked for; left out: by its key. */
  readonly defined?: DefinedVolume | undefined;
}

/** Of a volume that nobody asked to be anything. */
export const nothingAsked = { sharing: null, owner: null, source: null, warnings: [] } as const;

type Identity = Pick<VolumeSubject, 'namespace' | 'record' | 'key' | 'compat' | 'defined'>;

export function volumeId(subject: Identity): string {
  return formatNodeId(nodeIdOf(subject));
}

export function headId(subject: Identity, lane: LaneName): string {
  return formatNodeId({ kind: 'head', volume: nodeIdOf(subject), lane });
}

function nodeIdOf({ namespace, record, key, compat, defined }: Identity): VolumeNodeId {
  const definition = defined === undefined ? null : namedIn(defined);
  return { kind: 'volume', namespace: record?.paths.at(-1) ?? namespace, key, compat, definition };
}

function namedIn({ definition: { namespace, name, version } }: DefinedVolume): NamedDefinition {
  return { namespace, name, version };
}
