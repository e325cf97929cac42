import {
  CachelaneError,
  laneTrust,
  type CollectionFacts,
  type LaneName,
  type Namespace,
  type PolicyKey,
  type VolumeName,
} from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { RunCommandRequest } from '../model/run-request.ts';
import { policyOfRun } from './policy-of-run.ts';
import { freeSpaceLimit, planEvictions, type UnmetLimit } from './plan-evictions.ts';
import { isWithinLimits } from './within-limits.ts';

export interface SaveToAdmit {
  readonly namespace: Namespace;
  readonly volume: VolumeName;
  readonly lane: LaneName;
  readonly lanePolicy: RunCommandRequest['lanePolicy'];
  /** Content size of the new layer, which is on disk already. */
  readonly sizeBytes: number;
  /** Content size of layers that other namespaces hold already. */
  readonly heldBytes?: number;
}

type AdmitDependencies = Pick<EngineDependencies, 'metadata' | 'layers' | 'clock' | 'policy'>;

/** Limits that count the new layer. */
const counted: ReadonlySet<PolicyKey> = new Set([
  'namespace-size',
  'store-size',
  'free-space',
  't0-lane-share',
  't0-share',
  't1-share',
]);

/**
 * Checks whether a save fits, now or after the next collection. A save may only evict lanes of its own trust level or below. Throws E_QUOTA
 * with the limit.
 */
export async function admitSave(deps: AdmitDependencies, save: SaveToAdmit, signal: AbortSignal): Promise<void> {
  const { metadata, layers, clock, policy: user = {} } = deps;
  const { namespace, volume, lane, lanePolicy, sizeBytes, heldBytes = 0 } = save;
  const policy = await policyOfRun(deps, { namespace, lanePolicy, volume }, signal);
  // For a fed tier, its layers are new to the volume. For a first save, the layers below are not the run's.
  if ((sizeBytes === 0 ? heldBytes : sizeBytes) > policy['volume-size'].value)
    throw refusal('volume-size', policy['volume-size'].source);
  const space = await layers.space(signal);
  const trust = laneTrust(lane);
  const isFree = space.freeBytes >= freeSpaceLimit({ user, stored: [], lanes: [] }, space);
  const isLimited = [policy['namespace-size'], policy['store-size']].some(({ value }) => Number.isFinite(value));
  if (isFree && !isLimited && trust !== 'T0') return;
  const own = await metadata.findNamespace(namespace, signal);
  const nowMs = clock.nowMs();
  const incoming = {
    namespaceId: own?.id ?? null,
    trust,
    sizeBytes,
    heldBytes,
    namespaceLimit: policy['namespace-size'].value,
  };
  const question = { lanes: 'due', nowMs, user, gone: [], layers: [], volumes: [], namespace } as const;
  const sums = await metadata.collectionFacts(question, signal);
  const policiesIn = (from: CollectionFacts) => ({ user, stored: from.policies, lanes: from.lanePolicies });
  if (isWithinLimits({ facts: sums, policies: policiesIn(sums), space, incoming })) return;
  // Any lane may be able to make room.
  const facts = await metadata.collectionFacts({ ...question, lanes: 'all' }, signal);
  const sizes = new Map((await layers.list(signal)).map((layer) => [layer.id, layer.sizeBytes]));
  const plan = planEvictions({
    facts,
    directories: await metadata.ownDirectories(signal),
    policies: policiesIn(facts),
    sizes,
    space,
    nowMs,
    upTo: trust,
    hasSpare: false,
    incoming,
  });
  const unmet = plan.unmet.find((each) => counted.has(each.policy));
  if (unmet !== undefined) throw refusal(unmet.policy, policy[unmet.policy].source, unmet);
}

function refusal(policy: PolicyKey, source: string, unmet?: UnmetLimit): CachelaneError {
  const why = unmet?.why ?? 'the changes are larger than one run may add to a volume';
  return new CachelaneError('E_QUOTA', `${why} (policy ${policy}, ${source})`, {
    hint: 'cachelane gc --dry-run shows what can be removed, cachelane ns policy shows the limits',
  });
}
