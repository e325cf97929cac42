import type { NamespaceId } from '../base/ids.ts';
import type { LaneName } from '../lanes/lane.ts';
import { limits } from '../base/limits.ts';
import type { Namespace } from '../names/namespace.ts';
import type { Policies } from './policies.ts';
import {
  defaultPolicy,
  statedPolicy,
  volumeOf,
  type LifetimeKey,
  type PolicyKey,
  type StatedKey,
  type StatedPolicy,
} from './policy.ts';

export const lifetimeKeys = ['keep-run', 'keep-pr', 'keep-branch', 'keep-default', 'keep-release'] as const;

/** Facts about a head, known without reading its layers. */
export interface HeadSummary {
  readonly lifetime: LifetimeKey;
  readonly usedAtMs: number;
  /** The number of known earlier states. */
  readonly earlierStates: number;
  /** The time of the oldest of them; null if there are none. */
  readonly earliestMs: number | null;
  /** The size of its layers, each counted once. Unknown sizes count as more. */
  readonly sizeBytes: number;
}

/** The heads that one source may make due. Null fields: the source sets no lower bound than the general rule. */
export interface DueRule {
  /** Null: everywhere. Otherwise a namespace with those below it, or one lane. */
  readonly where: Namespace | { readonly namespaceId: NamespaceId; readonly lane: LaneName } | null;
  /** Due if last used at this time or before. */
  readonly usedByMs: Readonly<Partial<Record<LifetimeKey, number>>>;
  /** Due if it has states from before this time. */
  readonly earlierBeforeMs: number | null;
  /** Due if it has more earlier states. */
  readonly earlierStates: number | null;
  /** Due if it is larger. */
  readonly sizeBytes: number | null;
}

/**
 * Returns rules that find every head from which {@link policyAt} may delete something by age, history or budget. They
 * may find more, because a nearer source may keep data. The first rule holds everywhere; the others have lower
 * bounds.
 */
export function dueRules({ user, stored, lanes }: Policies, nowMs: number): readonly [DueRule, ...DueRule[]] {
  const all = (key: PolicyKey): number => user[key]?.value ?? defaultPolicy[key].value;
  const everywhere = ruleOf(null, (key) => all(key), Math.min(all('volume-budget'), budgetIn(user)), nowMs);
  const nearer = (where: DueRule['where'], said: StatedPolicy): readonly DueRule[] => {
    const lower = (key: PolicyKey): number | null => {
      const value = said[key]?.value ?? Infinity;
      return value < all(key) ? value : null;
    };
    const budget = budgetIn(said);
    const isLower = [...lifetimeKeys, 'history', 'history-generations'].some((key) => lower(key as PolicyKey) !== null);
    if (!isLower && !Number.isFinite(budget)) return [];
    return [ruleOf(where, lower, budget, nowMs)];
  };
  return [
    everywhere,
    ...stored.flatMap(({ namespace, texts }) => nearer(namespace, statedPolicy(texts, 'stored'))),
    ...lanes.flatMap(({ namespaceId, lane, texts, source }) =>
      nearer({ namespaceId, lane }, statedPolicy(texts, source)),
    ),
  ];
}

function ruleOf(
  where: DueRule['where'],
  valueOf: (key: PolicyKey) => number | null,
  budget: number,
  nowMs: number,
): DueRule {
  const lifetimes = lifetimeKeys.flatMap((key) => {
    const value = valueOf(key);
    return value === null || !Number.isFinite(value) ? [] : [[key, nowMs - value] as const];
  });
  const history = valueOf('history');
  const states = valueOf('history-generations');
  return {
    where,
    usedByMs: Object.fromEntries(lifetimes),
    earlierBeforeMs: history === null ? null : nowMs - Math.min(limits.historyMs, history),
    // The head's own state counts as one.
    earlierStates: states === null ? null : Math.max(0, Math.min(limits.historyGenerations, states) - 1),
    sizeBytes: Number.isFinite(budget) ? budget : null,
  };
}

/** Returns the lowest budget, for all volumes or those of one name; Infinity if there is none. */
function budgetIn(said: StatedPolicy): number {
  const keys = (Object.keys(said) as StatedKey[]).filter((key) => key === 'volume-budget' || volumeOf(key) !== null);
  const budgets = keys.map((key) => said[key]?.value ?? Infinity);
  return Math.min(Infinity, ...budgets);
}

export function isDue(rule: DueRule, head: HeadSummary): boolean {
  const { usedByMs, earlierBeforeMs, earlierStates, sizeBytes } = rule;
  const usedBy = usedByMs[head.lifetime];
  return (
    (usedBy !== undefined && head.usedAtMs <= usedBy) ||
    (earlierBeforeMs !== null && head.earliestMs !== null && head.earliestMs < earlierBeforeMs) ||
    (earlierStates !== null && head.earlierStates > earlierStates) ||
    (sizeBytes !== null && head.sizeBytes > sizeBytes)
  );
}

/** Returns the lowest namespace size in any policy; Infinity if there is none. */
export function leastNamespaceSize({ user, stored }: Pick<Policies, 'user' | 'stored'>): number {
  const said = [user, ...stored.map(({ texts }) => statedPolicy(texts, 'stored'))];
  return Math.min(...said.map((each) => each['namespace-size']?.value ?? Infinity));
}
