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

/** What is known of a head without reading what it names. */
export interface HeadSummary {
  readonly lifetime: LifetimeKey;
  readonly usedAtMs: number;
  /** How many states before that of the head are known. */
  readonly earlierStates: number;
  /** Of the oldest of them; null where there is none. */
  readonly earliestMs: number | null;
  /** Of the layers that it names, each counted once; more where the size of one is not known. */
  readonly sizeBytes: number;
}

/** Heads of which something may have to go, by what one source says; null: it says nothing of that kind that lets go sooner than what is said of all. */
export interface DueRule {
  /** Null: everywhere. A namespace, and those below it; or one lane. */
  readonly where: Namespace | { readonly namespaceId: NamespaceId; readonly lane: LaneName } | null;
  /** Used last at that time or before. */
  readonly usedByMs: Readonly<Partial<Record<LifetimeKey, number>>>;
  /** States from before that time. */
  readonly earlierBeforeMs: number | null;
  /** More earlier states than that. */
  readonly earlierStates: number | null;
  /** Larger than that. */
  readonly sizeBytes: number | null;
}

/**
 * Every head that {@link policyAt} lets nothing go of by its age, the number and age of its states, or its budget is none that these rules find; some that they find need not go either: a nearer source may
 * keep them. The first holds everywhere, the others are those that let go sooner than it.
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
    // The head's own state is one of them.
    earlierStates: states === null ? null : Math.max(0, Math.min(limits.historyGenerations, states) - 1),
    sizeBytes: Number.isFinite(budget) ? budget : null,
  };
}

/** The least of what is said of all volumes and of those of one name; Infinity: nothing. */
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

/** The least that is said of how large a namespace may be; Infinity: nothing is. */
export function leastNamespaceSize({ user, stored }: Pick<Policies, 'user' | 'stored'>): number {
  const said = [user, ...stored.map(({ texts }) => statedPolicy(texts, 'stored'))];
  return Math.min(...said.map((each) => each['namespace-size']?.value ?? Infinity));
}
