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
  /** What the file in the repository says in this run. */
  readonly lanePolicy: RunCommandRequest['lanePolicy'];
  readonly volume: VolumeName;
}

type PolicyDependencies = Pick<EngineDependencies, 'metadata' | 'policy'>;

/** What holds for what a run saves. */
export async function policyOfRun(
  { metadata, policy: user = {} }: PolicyDependencies,
  { namespace, lanePolicy, volume }: PolicyQuestion,
  signal: AbortSignal,
): Promise<Policy> {
  const stored = await metadata.listPolicies(signal);
  // Also where nobody says anything: whether somebody does, of whatever namespace, is not for a confined session to see by the work.
  const record = await metadata.findNamespace(namespace, signal);
  const place = { paths: record?.paths ?? [namespace], lane: null, volume };
  const others = policyAt({ user, stored, lanes: [] }, place);
  const repository: StatedPolicy = lanePolicy ? statedPolicy(lanePolicy.texts, lanePolicy.source) : {};
  return resolvePolicy({ user: {}, stored: [others], repository, volume });
}
