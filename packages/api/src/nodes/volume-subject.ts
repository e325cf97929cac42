import type { Compat, LaneName, Namespace, NamespaceRecord, SharingMode, VolumeName } from '@cachelane/core';
import { formatNodeId, type VolumeNodeId } from '../node-id.ts';

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
  readonly warnings: readonly string[];
}

type Identity = Pick<VolumeSubject, 'namespace' | 'record' | 'key' | 'compat'>;

export function volumeId(subject: Identity): string {
  return formatNodeId(nodeIdOf(subject));
}

export function headId(subject: Identity, lane: LaneName): string {
  return formatNodeId({ kind: 'head', volume: nodeIdOf(subject), lane });
}

function nodeIdOf({ namespace, record, key, compat }: Identity): VolumeNodeId {
  return { kind: 'volume', namespace: record?.paths.at(-1) ?? namespace, key, compat };
}
