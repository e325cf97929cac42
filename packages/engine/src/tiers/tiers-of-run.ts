import {
  type FeedRecord,
  type Metadata,
  type Namespace,
  type NamespaceId,
  type NamespaceRecord,
  isPersonal,
  personalLane,
} from '@cachelane/core';
import type { PlannedVolume } from '../model/planned-volume.ts';
import { type Feeding, whyNotFed } from './feed-rule.ts';

/** A tier of a volume, and whether saves go to it. */
export interface TierOfRun {
  /** Its name in the read chain. */
  readonly namespace: Namespace;
  /** Null: unknown to this store. */
  readonly id: NamespaceId | null;
  /** The rule that feeds it; null for the personal tier, or if it is not fed. */
  readonly rule: FeedRecord | null;
  /** Why it is not fed, one clause; null if it is. */
  readonly why: string | null;
}

const noNamespaceId = '' as NamespaceId;

type RulesOf = Pick<Metadata, 'findNamespace' | 'feedsOf'>;

/** Returns the tiers that a run with this volume may feed, nearest first. */
export async function tiersOfRun(
  metadata: RulesOf,
  planned: PlannedVolume,
  signal: AbortSignal,
): Promise<readonly TierOfRun[]> {
  if (planned.tiers.length === 0) return [];
  const own = await metadata.findNamespace(planned.own.namespace, signal);
  const feeding = feedingOf(planned, own);
  const tiers: TierOfRun[] = [];
  for (const namespace of planned.tiers) {
    const record = await metadata.findNamespace(namespace, signal);
    // Under another name it may be the project itself.
    if (record !== undefined && record.id === own?.id) continue;
    const place = { namespace, id: record?.id ?? null };
    const found = isPersonal(namespace)
      ? { rule: null, why: feeding.lane === personalLane ? null : `only lane ${personalLane} feeds it` }
      : await ruleOf(metadata, record, { planned, feeding }, signal);
    tiers.push({ ...place, ...found });
  }
  return tiers;
}

/** Returns what feed rules match on; `own` is the project's namespace. */
export function feedingOf(planned: PlannedVolume, own: NamespaceRecord | undefined): Feeding {
  return {
    names: own?.paths ?? [planned.own.namespace],
    volume: planned.request.name,
    lane: planned.own.lane,
    defaultLane: planned.defaultLane,
  };
}

async function ruleOf(
  metadata: RulesOf,
  record: NamespaceRecord | undefined,
  { planned, feeding }: { readonly planned: PlannedVolume; readonly feeding: Feeding },
  signal: AbortSignal,
): Promise<Pick<TierOfRun, 'rule' | 'why'>> {
  // Also query for unknown tiers, so that the work does not reveal which parents exist.
  const rules = await metadata.feedsOf(record?.id ?? noNamespaceId, signal);
  const reasons = rules.map((rule) => whyNotFed(rule, feeding));
  const rule = rules[reasons.indexOf(null)];
  if (rule === undefined) return { rule: null, why: reasons[0] ?? 'it has no feed rule' };
  // A volume that stays on this machine must not be pushed through a tier.
  return planned.sync === 'never' && planned.tool.sync !== 'never'
    ? { rule, why: 'sync never: the volume stays on this machine, and the tier may be pushed' }
    : { rule, why: null };
}
