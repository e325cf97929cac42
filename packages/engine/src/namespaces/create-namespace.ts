import { newId, type Clock, type Metadata, type Namespace, type NamespaceRecord, type Random } from '@cachelane/core';

export interface CreateRequest {
  readonly path: Namespace;
  /** Report only; change nothing. */
  readonly dryRun: boolean;
}

export interface Created {
  /** Null: a dry run, and the namespace does not exist. */
  readonly record: NamespaceRecord | null;
  /** Its present name, which differs from the path after a rename. */
  readonly namespace: Namespace;
  /** False: it existed already. */
  readonly isNew: boolean;
}

/** Creates a namespace without volumes, or makes an existing one permanent until it is removed. Idempotent. */
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
