import { compareTrust, type TrustLevel } from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { OnProgress } from '../model/progress-update.ts';
import { planGrowth, type GrowthPlan } from '../growth/plan-growth.ts';
import { shrinkHead } from '../growth/shrink-head.ts';
import { isDamage } from '../base/is-damage.ts';
import { toolOf } from '../provenance/revoke-runs.ts';
import type { HeldLane } from '../evictions/held-lanes.ts';
import type { UnmetLimit } from '../evictions/plan-evictions.ts';

/** A head over its budget. */
export interface PlannedGrowth {
  readonly held: HeldLane;
  readonly plan: GrowthPlan;
}

export type GrowthFindDependencies = Pick<
  EngineDependencies,
  'metadata' | 'layers' | 'clock' | 'bootId' | 'random' | 'tools'
>;

interface GrowthQuestion {
  readonly lanes: readonly HeldLane[];
  readonly upTo: TrustLevel;
  readonly onProgress?: OnProgress;
}

/** Finds growth in remaining heads. Skips damaged ones: the next run reports them. */
export async function findGrowth(
  deps: GrowthFindDependencies,
  { lanes, upTo, onProgress }: GrowthQuestion,
  signal: AbortSignal,
): Promise<readonly PlannedGrowth[]> {
  const found: PlannedGrowth[] = [];
  for (const [done, held] of lanes.entries()) {
    onProgress?.({ activity: 'checking budgets', done, total: lanes.length, unit: 'lanes' });
    const budget = held.policy['volume-budget'];
    if (held.trust === 'T0' || compareTrust(held.trust, upTo) > 0 || !Number.isFinite(budget.value)) continue;
    try {
      const plan = await planGrowth(deps, { head: held.head, tool: toolOf(deps.tools, held.volume), budget }, signal);
      if (plan !== null) found.push({ held, plan });
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
  }
  return found;
}

/** Returns what was removed, which may differ from the plan if the head moved. Skips damaged heads too. */
export async function shrinkAll(
  deps: GrowthFindDependencies,
  { found, onProgress }: { readonly found: readonly PlannedGrowth[]; readonly onProgress?: OnProgress | undefined },
  signal: AbortSignal,
): Promise<readonly PlannedGrowth[]> {
  const done: PlannedGrowth[] = [];
  for (const { held, plan } of found) {
    onProgress?.({ activity: 'applying budgets', done: done.length, total: found.length, unit: 'lanes' });
    const { volumeId, lane } = plan.head;
    const head = plan.paths.size === 0 ? undefined : await deps.metadata.head(volumeId, lane, signal);
    const namespaceId = held.namespace.id;
    try {
      const shrunk = head === undefined ? null : await shrinkHead(deps, { ...plan, head, namespaceId }, signal);
      done.push({ held, plan: shrunk?.plan ?? plan });
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
  }
  return done;
}

export function unmetBudgets(found: readonly PlannedGrowth[]): readonly UnmetLimit[] {
  return found.flatMap(({ held, plan: { why, bytes, goingBytes, budget } }) =>
    why === null
      ? []
      : [
          {
            policy: 'volume-budget' as const,
            why: `${held.namespace.paths[0]}:${held.volume.name} on ${held.head.lane}: ${why}`,
            overBytes: bytes - goingBytes - budget.value,
          },
        ],
  );
}
