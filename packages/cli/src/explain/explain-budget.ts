import { formatPolicyValue, type PolicyValue } from '@cachelane/core';
import { type ListedHead } from '@cachelane/engine';
import { formatBytes, formatTime, plural } from '../base/format.ts';
import { isoTime } from '../host/print.ts';
import type { ReadStore } from '../home/store.ts';

/** How near a head is to its budget, and what is known of what its runs use. */
export interface ExplainedBudget {
  readonly budget: PolicyValue;
  /** Content of its layers; what one of them hides counts here, and not for the budget. */
  readonly holdsBytes: number;
  /** When it was last looked at what a run used; null: never. */
  readonly lookedAtMs: number | null;
  readonly evicted: { readonly files: number; readonly atMs: number } | null;
}

/** Null where there is no budget, or nothing that it is for. */
export async function explainBudget(
  { metadata, signal }: ReadStore,
  { budget, held }: { readonly budget: PolicyValue; readonly held: ListedHead | null },
): Promise<ExplainedBudget | null> {
  if (!Number.isFinite(budget.value) || held === null) return null;
  const { volumeId, lane } = held.head;
  const used = await metadata.notedPaths(volumeId, lane, 'used', signal);
  const { marks, atMs } = await metadata.notedPaths(volumeId, lane, 'evicted', signal);
  return {
    budget,
    holdsBytes: held.sizeBytes,
    lookedAtMs: used.atMs === 0 ? null : used.atMs,
    evicted: atMs === 0 ? null : { files: marks.size, atMs },
  };
}

export function budgetJson({ budget, holdsBytes, lookedAtMs, evicted }: ExplainedBudget): object {
  return {
    budgetBytes: budget.value,
    source: budget.source,
    holdsBytes,
    lookedAt: lookedAtMs === null ? null : isoTime(lookedAtMs),
    evicted: evicted === null ? null : { files: evicted.files, at: isoTime(evicted.atMs) },
  };
}

/** `12 MB of 20MB (volume-budget, default); what runs use was last looked at on …; 3 files went in the 30 days up to …`. */
export function budgetText({ budget, holdsBytes, lookedAtMs, evicted }: ExplainedBudget): string {
  const of = `${formatBytes(holdsBytes)} of ${formatPolicyValue('volume-budget', budget.value)}`;
  const looked = lookedAtMs === null ? 'was never looked at' : `was last looked at on ${formatTime(lookedAtMs)}`;
  const went =
    evicted === null ? [] : [`${plural(evicted.files, 'file')} went in the 30 days up to ${formatTime(evicted.atMs)}`];
  return [`${of} (volume-budget, ${budget.source})`, `what runs use of it ${looked}`, ...went].join('; ');
}
