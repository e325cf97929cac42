import {
  CachelaneError,
  requireNoPersonal,
  type Metadata,
  type Namespace,
  type NamespaceId,
  type NamespaceRecord,
  type VolumeName,
} from '@cachelane/core';
import { compareText } from '../heads/list-heads.ts';
import { requireNamespace } from './require-namespace.ts';

export interface RenameRequest {
  readonly from: Namespace;
  readonly to: Namespace;
  /** Report only; change nothing. */
  readonly dryRun: boolean;
}

export interface Renamed {
  readonly id: NamespaceId;
  /** Volumes with contents, by name. */
  readonly volumes: readonly VolumeName[];
}

/**
 * Renames a namespace. Its volumes stay, and the old name keeps working. Errors: E_NOT_FOUND; E_NAMESPACE if the name belongs to a
 * namespace with volumes, or is the only name of one that shares or offers something; E_USAGE for the personal tier.
 */
export async function renameNamespace(
  metadata: Metadata,
  { from, to, dryRun }: RenameRequest,
  signal: AbortSignal,
): Promise<Renamed> {
  // Renamed, it would be pushed, and its contents were never checked for that. Another namespace's contents were never checked for the personal tier.
  requireNoPersonal([from, to]);
  const record = await requireNamespace(metadata, from, signal);
  const volumes = await heldVolumes(metadata, record.id, signal);
  const other = await metadata.findNamespace(to, signal);
  const taken = other === undefined || other.id === record.id ? [] : await heldVolumes(metadata, other.id, signal);
  // Also checked here for dry runs.
  if (taken.length > 0) {
    throw new CachelaneError('E_NAMESPACE', `${to} is another namespace with volumes of its own: ${taken.join(', ')}`, {
      hint: `remove them first (cachelane rm --all-lanes ${to}:NAME), or do not rename`,
    });
  }
  if (other !== undefined && other.id !== record.id) await requireSilent(metadata, other, to, signal);
  if (!dryRun) await metadata.aliasNamespace(from, to, signal);
  return { id: record.id, volumes };
}

/** Grants and catalogs of the other namespace do not apply to these volumes. If that namespace has another name, it keeps them. */
async function requireSilent(
  metadata: Metadata,
  { id, paths }: NamespaceRecord,
  to: Namespace,
  signal: AbortSignal,
): Promise<void> {
  if (paths.length > 1) return;
  const said = [
    ...((await metadata.grantsOf(id, signal)).length > 0 ? ['grants'] : []),
    ...((await metadata.feedsOf(id, signal)).length > 0 ? ['feed rules'] : []),
    ...((await metadata.catalogVersions(id, signal)).length > 0 ? ['a catalog'] : []),
  ];
  if (said.length === 0) return;
  throw new CachelaneError('E_NAMESPACE', `${to} is another namespace with ${said.join(', ')} of its own`, {
    hint: 'withdraw them first, because they are for other volumes, or do not rename',
  });
}

/** A volume without a head is empty: a reading run created it. */
async function heldVolumes(metadata: Metadata, id: NamespaceId, signal: AbortSignal): Promise<readonly VolumeName[]> {
  const volumes = await metadata.volumesOf(id, signal);
  const heads = await metadata.headsOf(
    volumes.map((volume) => volume.id),
    signal,
  );
  const held = new Set(heads.map(({ volumeId }) => volumeId));
  const names = volumes.filter((volume) => held.has(volume.id)).map(({ name }) => name);
  return [...new Set(names)].toSorted(compareText);
}
