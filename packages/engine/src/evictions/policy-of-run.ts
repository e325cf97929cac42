import {
  policyAt,
  resolvePolicy,
  statedPolicy,
  type Namespace,
  type Policy,
  type StatedPolicy,
  type VolumeName,
} from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { RunCommandRequest } from '../model/run-request.ts';

/** What a run saves to. */
export interface PolicyQuestion {
  readonly namespace: Namespace;
  /** The repository's file in this run. */
  readonly lanePolicy: RunCommandRequest['lanePolicy'];
  readonly volume: VolumeName;
}

type PolicyDependencies = Pick<EngineDependencies, 'metadata' | 'policy'>;

/** Returns the policy for a run's saves. */
export async function policyOfRun(
  { metadata, policy: user = {} }: PolicyDependencies,
  { namespace, lanePolicy, volume }: PolicyQuestion,
  signal: AbortSignal,
): Promise<Policy> {
  const stored = await metadata.listPolicies(signal);
  // Always query, so that the work does not reveal to a confined session whether a policy exists.
  const record = await metadata.findNamespace(namespace, signal);
  const place = { paths: record?.paths ?? [namespace], lane: null, volume };
  const others = policyAt({ user, stored, lanes: [] }, place);
  const repository: StatedPolicy = lanePolicy ? statedPolicy(lanePolicy.texts, lanePolicy.source) : {};
  return resolvePolicy({ user: {}, stored: [others], repository, volume });
}
