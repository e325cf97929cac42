import { CachelaneError, type Metadata, type Namespace, type NamespaceId, type VolumeName } from '@cachelane/core';
import { compareText } from '../inspect/list-heads.ts';

export interface RenameRequest {
  readonly from: Namespace;
  readonly to: Namespace;
  /** Say what would happen, and change nothing. */
  readonly dryRun: boolean;
}

export interface Renamed {
  readonly id: NamespaceId;
  /** What it holds, by name. */
  readonly volumes: readonly VolumeName[];
}

/** Gives a namespace another name; its volumes stay where they are and the old name goes on working. Errors: E_NOT_FOUND, E_NAMESPACE where the name is that of another one with volumes. */
export async function renameNamespace(
  metadata: Metadata,
  { from, to, dryRun }: RenameRequest,
  signal: AbortSignal,
): Promise<Renamed> {
  const record = await metadata.findNamespace(from, signal);
  if (record === undefined) {
    throw new CachelaneError('E_NOT_FOUND', `there is no namespace ${from}`, { hint: 'see: cachelane ns ls' });
  }
  // A volume without a head holds nothing: a run that only looked made it.
  const withHead = new Set((await metadata.listHeads(signal)).map(({ volumeId }) => volumeId));
  const all = (await metadata.listVolumes(signal)).filter(({ id }) => withHead.has(id));
  const volumesOf = (id: NamespaceId): readonly VolumeName[] => {
    const names = all.filter(({ namespaceId }) => namespaceId === id).map(({ name }) => name);
    return [...new Set(names)].toSorted(compareText);
  };
  const other = await metadata.findNamespace(to, signal);
  // Said here as well, so that a dry run tells the truth.
  if (other !== undefined && other.id !== record.id && volumesOf(other.id).length > 0) {
    throw new CachelaneError(
      'E_NAMESPACE',
      `${to} is another namespace, and has volumes of its own: ${volumesOf(other.id).join(', ')}`,
      { hint: `remove them first (cachelane rm --all-lanes ${to}:NAME), or leave both as they are` },
    );
  }
  if (!dryRun) await metadata.aliasNamespace(from, to, signal);
  return { id: record.id, volumes: volumesOf(record.id) };
}
