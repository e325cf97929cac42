import type { Metadata, Mounters, Namespace, NamespaceRecord, VolumeName } from '@cachelane/core';
import { compareText, listHeadsOf } from '../heads/list-heads.ts';
import { removeVolumes } from '../volumes/remove-volume.ts';
import { requireNamespace } from './require-namespace.ts';

export interface RemoveNamespaceRequest {
  readonly path: Namespace;
  /** Report only; change nothing. */
  readonly dryRun: boolean;
}

export interface RemovedNamespace {
  readonly record: NamespaceRecord;
  /** By name. */
  readonly volumes: readonly VolumeName[];
  readonly heads: number;
  readonly sizeBytes: number;
}

interface RemoveDependencies {
  readonly metadata: Metadata;
  /** Called only if something is removed. */
  readonly mounters: () => Promise<Mounters>;
}

/** Removes a namespace with all its volumes on all lanes. A volume in use is removed when its session ends. Errors: E_NOT_FOUND. */
export async function removeNamespace(
  { metadata, mounters }: RemoveDependencies,
  { path, dryRun }: RemoveNamespaceRequest,
  signal: AbortSignal,
): Promise<RemovedNamespace> {
  const record = await requireNamespace(metadata, path, signal);
  const variants = await metadata.volumesOf(record.id, signal);
  const heads = await listHeadsOf(metadata, variants, signal);
  if (!dryRun) {
    const held = new Set(heads.map(({ volume }) => volume.id));
    const removal = { variants: variants.map(({ id }) => id), held, lane: null };
    await removeVolumes({ metadata, mounters: await mounters() }, removal, signal);
    await metadata.releaseNamespace(record.id, signal);
  }
  return {
    record,
    volumes: [...new Set(variants.map(({ name }) => name))].toSorted(compareText),
    heads: heads.length,
    sizeBytes: heads.reduce((sum, head) => sum + head.sizeBytes, 0),
  };
}
