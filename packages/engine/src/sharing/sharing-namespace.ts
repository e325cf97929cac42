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
  /** Null for a dry run where there is none yet. */
  readonly record: NamespaceRecord | null;
  /** Its present name. */
  readonly namespace: Namespace;
  /** Whether it is made for this, or would be. */
  readonly isNew: boolean;
}

/** Whoever shares something, or is fed, stays; not where `check` of its names throws. Errors: E_USAGE for a person's own tier. */
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
