import {
  compatKey,
  formatPolicyValue,
  lifetimeOf,
  policyAt,
  resolvePolicy,
  type Eviction,
  type LaneName,
  type LifetimeKey,
  type Namespace,
  type NamespaceRecord,
  type Policy,
} from '@cachelane/core';
import { type PlannedVolume, type ListedHead } from '@cachelane/engine';
import { policyJson } from '../config/policy-json.ts';
import { budgetJson, budgetText, explainBudget, type ExplainedBudget } from './explain-budget.ts';
import { evictionJson, evictionText } from '../inspect/eviction-words.ts';
import type { Host } from '../host/host.ts';
import type { OpenProject } from '../context/project.ts';
import type { ReadStore } from '../home/store.ts';
import { readUserConfig } from '../config/user-config.ts';

/** How long saved contents stay, and what was evicted. */
export interface ExplainedLifetime {
  readonly key: LifetimeKey;
  readonly policy: Policy;
  /** The eviction of the nearest lane of the read chain; null: none. */
  readonly evicted: Eviction | null;
  readonly budget: ExplainedBudget | null;
}

export interface LifetimeQuestion {
  readonly project: Pick<OpenProject, 'context' | 'config'>;
  readonly planned: PlannedVolume;
  readonly namespace: Namespace;
  readonly record: NamespaceRecord | undefined;
  /** The head of the own lane. */
  readonly held: ListedHead | null;
}

/** Returns lifetime, policies and evictions of a volume. Errors: E_CONFIG for an invalid user configuration. */
export async function explainLifetime(
  { host, store }: { readonly host: Host; readonly store: ReadStore },
  { project, planned, namespace, record, held }: LifetimeQuestion,
): Promise<ExplainedLifetime> {
  const { metadata, signal } = store;
  const user = (await readUserConfig(host))?.policy ?? {};
  const paths = record?.paths ?? [namespace];
  const others = policyAt(
    { user, stored: await metadata.listPolicies(signal), lanes: [] },
    {
      paths,
      lane: null,
      volume: planned.request.name,
    },
  );
  const evictions = await metadata.listEvictions(signal);
  const { lane } = planned.own;
  const repository = project.config?.policy ?? {};
  const said = resolvePolicy({ user: {}, stored: [others], repository, volume: planned.request.name });
  const isOwn = planned.own.namespace === project.context.namespace;
  const policy = isOwn ? said : { ...said, 'volume-budget': others['volume-budget'] };
  return {
    key: lifetimeOf(lane, project.context.defaultLane),
    policy,
    budget: await explainBudget(store, { budget: policy['volume-budget'], held }),
    evicted: nearestEviction(evictions, planned, (path) => paths.includes(path)),
  };
}

function nearestEviction(
  evictions: readonly Eviction[],
  { chain, request, compat }: PlannedVolume,
  isOwn: (path: Namespace) => boolean,
): Eviction | null {
  const isOf = (eviction: Eviction, namespace: Namespace, lane: LaneName): boolean =>
    eviction.volume === request.name &&
    eviction.lane === lane &&
    compatKey(eviction.compat) === compatKey(compat) &&
    (eviction.namespace === namespace || (isOwn(namespace) && isOwn(eviction.namespace)));
  for (const { namespace, lane } of chain) {
    const found = evictions.find((eviction) => isOf(eviction, namespace, lane));
    if (found !== undefined) return found;
  }
  return null;
}

export function lifetimeJson({ key, policy, evicted, budget }: ExplainedLifetime): object {
  return {
    lifetime: key,
    policy: policyJson(policy),
    budget: budget === null ? null : budgetJson(budget),
    evicted: evicted === null ? null : evictionJson(evicted),
  };
}

/** Returns rows for {@link formatFields}. */
export function lifetimeFields({
  key,
  policy,
  evicted,
  budget,
}: ExplainedLifetime): readonly (readonly [string, string])[] {
  const { value, source } = policy[key];
  const kept = Number.isFinite(value) ? `${formatPolicyValue(key, value)} after its last use` : 'until it is removed';
  const sizes = (['volume-size', 'namespace-size'] as const).flatMap((size) => {
    const limit = policy[size];
    return Number.isFinite(limit.value) ? [`${size} ${formatPolicyValue(size, limit.value)} (${limit.source})`] : [];
  });
  return [
    ['kept', [`${kept} (${key}, ${source})`, ...sizes].join('; ')],
    ...(budget === null ? [] : [['budget', budgetText(budget)] as const]),
    ...(evicted === null ? [] : [['evicted', evictionText(evicted)] as const]),
  ];
}
