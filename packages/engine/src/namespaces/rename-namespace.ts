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
  /** Say what would happen, and change nothing. */
  readonly dryRun: boolean;
}

export interface Renamed {
  readonly id: NamespaceId;
  /** What it holds, by name. */
  readonly volumes: readonly VolumeName[];
}

/** Gives a namespace another name; its volumes stay where they are and the old name goes on working. Errors: E_NOT_FOUND, E_NAMESPACE where the name is that of another one with volumes, or the only one of one that shares or offers something; E_USAGE for a person's own tier. */
export async function renameNamespace(
  metadata: Metadata,
  { from, to, dryRun }: RenameRequest,
  signal: AbortSignal,
): Promise<Renamed> {
  // By another name it would be sent to others, and what is of another name was never looked at as what goes there is.
  requireNoPersonal([from, to]);
  const record = await requireNamespace(metadata, from, signal);
  const volumes = await heldVolumes(metadata, record.id, signal);
  const other = await metadata.findNamespace(to, signal);
  const taken = other === undefined || other.id === record.id ? [] : await heldVolumes(metadata, other.id, signal);
  // Said here as well, so that a dry run tells the truth.
  if (taken.length > 0) {
    throw new CachelaneError(
      'E_NAMESPACE',
      `${to} is another namespace, and has volumes of its own: ${taken.join(', ')}`,
      { hint: `remove them first (cachelane rm --all-lanes ${to}:NAME), or leave both as they are` },
    );
  }
  if (other !== undefined && other.id !== record.id) await requireSilent(metadata, other, to, signal);
  if (!dryRun) await metadata.aliasNamespace(from, to, signal);
  return { id: record.id, volumes };
}

/** What somebody said of the other one's volumes is not said of these. One that keeps another name keeps that, too. */
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
  throw new CachelaneError('E_NAMESPACE', `${to} is another namespace, and has ${said.join(', ')} of its own`, {
    hint: 'withdraw them first, for they were said of other volumes, or leave both as they are',
  });
}

/** A volume without a head holds nothing: a run that only looked made it. */
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
