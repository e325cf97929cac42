import {
  requireNoPersonal,
  type Clock,
  type Metadata,
  type Namespace,
  type NamespaceRecord,
  type Random,
} from '@cachelane/core';
import { createNamespace, type CreateRequest } from '../namespaces/create-namespace.ts';

export interface SharingDependencies {
  readonly metadata: Metadata;
  readonly clock: Clock;
  readonly random: Random;
}

interface SharingNamespace {
  /** Null: a dry run, and the namespace does not exist. */
  readonly record: NamespaceRecord | null;
  /** Its present name. */
  readonly namespace: Namespace;
  /** Whether it is, or would be, created. */
  readonly isNew: boolean;
}

/** Returns the namespace that shares or is fed, and makes it permanent unless `check` throws. Errors: E_USAGE for the personal tier. */
export async function sharingNamespace(
  deps: SharingDependencies,
  request: CreateRequest,
  { signal, check }: { readonly signal: AbortSignal; readonly check: (names: readonly Namespace[]) => void },
): Promise<SharingNamespace> {
  const now = await createNamespace(deps, { ...request, dryRun: true }, signal);
  const names = now.record?.paths ?? [request.path];
  requireNoPersonal(names);
  check(names);
  return request.dryRun ? now : { ...(await createNamespace(deps, request, signal)), isNew: now.isNew };
}
