import {
  catalogNamesOf,
  defaultParents,
  parseCatalogText,
  type CatalogNames,
  type Metadata,
  type Namespace,
} from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { RunCommandRequest } from '../model/run-request.ts';
import { policyOfRun } from '../evictions/policy-of-run.ts';
import { type PlannedVolume, isUnstored } from '../model/planned-volume.ts';

/** A policy's verdict on a volume name that no catalog has. */
export interface NameVerdict {
  readonly policy: Exclude<CatalogNames, 'any'>;
  /** One sentence. */
  readonly message: string;
}

type NameDependencies = Pick<EngineDependencies, 'metadata' | 'policy'>;
type NameQuestion = Pick<RunCommandRequest, 'lanePolicy' | 'signal'>;

/** Returns null if a catalog of the namespace or of a namespace above has the name, if a stored definition asked for it, or if no policy applies. */
export async function judgeName(
  deps: NameDependencies,
  { lanePolicy, signal }: NameQuestion,
  { request, own: { namespace } }: PlannedVolume,
): Promise<NameVerdict | null> {
  const isAlone = request.defined?.byLock === 'alone';
  if ((request.defined !== undefined && !isAlone) || isUnstored({ request })) return null;
  // A lock that the store cannot confirm is only the repository's claim, like the repository's own policy.
  const question = { namespace, lanePolicy: isAlone ? null : lanePolicy, volume: request.name };
  const policy = await policyOfRun(deps, question, signal);
  const wanted = catalogNamesOf(policy);
  if (wanted === 'any' || (await isOffered(deps.metadata, { namespace, name: request.name }, signal))) return null;
  const { source } = policy['catalog-names'];
  const lockText = isAlone ? ', and cachelane.lock is not enough here' : '';
  const where = `in no catalog of ${namespace} or of the namespaces above it${lockText}`;
  return { policy: wanted, message: `the volume ${request.name} is ${where}: catalog-names is ${wanted} (${source})` };
}

interface Named {
  readonly namespace: Namespace;
  readonly name: string;
}

/** Whether a catalog has the name or key. Parents claimed by a file do not count: the file would choose its own catalog. */
async function isOffered(metadata: Metadata, { namespace, name }: Named, signal: AbortSignal): Promise<boolean> {
  for (const path of [namespace, ...defaultParents(namespace)]) {
    const record = await metadata.findNamespace(path, signal);
    const latest = record === undefined ? undefined : await metadata.catalogVersion(record.id, null, signal);
    if (latest === undefined) continue;
    const { definitions } = parseCatalogText(latest.text, `the catalog of ${path}`);
    if (definitions.some((each) => each.name === name || each.key === name)) return true;
  }
  return false;
}
