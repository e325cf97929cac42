import { newId, type Clock, type Metadata, type Namespace, type NamespaceRecord, type Random } from '@cachelane/core';

export interface CreateRequest {
  readonly path: Namespace;
  /** Say what would happen, and change nothing. */
  readonly dryRun: boolean;
}

export interface Created {
  /** Null for a dry run where there is none yet. */
  readonly record: NamespaceRecord | null;
  /** Its present name: another one than the path where that is a name it had before. */
  readonly namespace: Namespace;
  /** False: it was there already. */
  readonly isNew: boolean;
}

/** Makes a namespace that is there without volumes, or makes one stay that runs made, until it is removed. The same again is the same. */
export async function createNamespace(
  { metadata, clock, random }: { readonly metadata: Metadata; readonly clock: Clock; readonly random: Random },
  { path, dryRun }: CreateRequest,
  signal: AbortSignal,
): Promise<Created> {
  if (dryRun) {
    const record = (await metadata.findNamespace(path, signal)) ?? null;
    return { record, namespace: record?.paths[0] ?? path, isNew: record === null };
  }
  const freshId = newId('namespace', random.bytes(16));
  const { namespace: record, isNew } = await metadata.createNamespace({ path, freshId, atMs: clock.nowMs() }, signal);
  return { record, namespace: record.paths[0] ?? path, isNew };
}
