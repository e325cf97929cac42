import type {
  Compat,
  LaneName,
  Namespace,
  NamespaceRecord,
  SharingMode,
  VolumeName,
  VolumeSeed,
} from '@cachelane/core';
import type { DefinedVolume } from '@cachelane/engine';
import { type NamedDefinition, type VolumeNodeId, formatNodeId } from '../values/node-id.ts';
import type { VolumeOwner } from './owner.ts';

/** A source that the caller may use. */
export interface VolumeSource {
  readonly seed: VolumeSeed;
  /** As in the schema. */
  readonly node: { readonly directory: string | null; readonly volume: string | null };
}

/** A volume that a caller asked about. It may be empty. */
export interface VolumeSubject {
  /** Its present name. */
  readonly namespace: Namespace;
  /** Undefined: no run has used it. */
  readonly record: NamespaceRecord | undefined;
  readonly key: VolumeName;
  readonly compat: Compat;
  readonly tool: string;
  readonly sharing: SharingMode | null;
  /** The owner of its files in a container. */
  readonly owner: VolumeOwner | null;
  /** The seed below its layers. */
  readonly source: VolumeSource | null;
  readonly warnings: readonly string[];
  /** The definition that named it; left out: named by key. */
  readonly defined?: DefinedVolume | undefined;
}

/** The attributes of a volume that was named without any. */
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
