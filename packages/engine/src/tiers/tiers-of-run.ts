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

/** A tier of a volume, and whether what a run saves of it goes there. */
export interface TierOfRun {
  /** As the read chain names it. */
  readonly namespace: Namespace;
  /** Null: this store knows nothing of it. */
  readonly id: NamespaceId | null;
  /** The rule by which it is fed; null where it is a person's own tier, or is not fed. */
  readonly rule: FeedRecord | null;
  /** Why nothing goes there, one clause; null: it is fed. */
  readonly why: string | null;
}

const nobody = '' as NamespaceId;

type RulesOf = Pick<Metadata, 'findNamespace' | 'feedsOf'>;

/** Tiers that a run with this volume may feed, nearest first. */
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
    // By another name it may be the project itself.
    if (record !== undefined && record.id === own?.id) continue;
    const place = { namespace, id: record?.id ?? null };
    const found = isPersonal(namespace)
      ? { rule: null, why: feeding.lane === personalLane ? null : `only lane ${personalLane} feeds it` }
      : await ruleOf(metadata, record, { planned, feeding }, signal);
    tiers.push({ ...place, ...found });
  }
  return tiers;
}

/** What a run saves of a volume, as rules of tiers ask for it; `own`: its namespace. */
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
  // Asked also of one that is not there: a confined session must not see by the work which of its parents are.
  const rules = await metadata.feedsOf(record?.id ?? nobody, signal);
  const reasons = rules.map((rule) => whyNotFed(rule, feeding));
  const rule = rules[reasons.indexOf(null)];
  if (rule === undefined) return { rule: null, why: reasons[0] ?? 'it has no feed rule' };
  // Whoever keeps it on this machine does not send it by way of another namespace.
  return planned.sync === 'never' && planned.tool.sync !== 'never'
    ? { rule, why: 'sync never: the volume stays on this machine, and a tier may not' }
    : { rule, why: null };
}
