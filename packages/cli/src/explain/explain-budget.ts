import { formatPolicyValue, type PolicyValue } from '@cachelane/core';
import { type ListedHead } from '@cachelane/engine';
import { formatBytes, formatTime, plural } from '../base/format.ts';
import { isoTime } from '../host/print.ts';
import type { ReadStore } from '../home/store.ts';

/** The budget of a head, its size, and what was evicted from it. */
export interface ExplainedBudget {
  readonly budget: PolicyValue;
  /** Content of its layers, also content that an upper layer hides. The budget does not count hidden content. */
  readonly holdsBytes: number;
  /** When a run's reads were last observed; null: never. */
  readonly lookedAtMs: number | null;
  readonly evicted: { readonly files: number; readonly atMs: number } | null;
}

/** Returns null if there is no budget or no head. */
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

/** Returns `12 MB of 20MB (volume-budget, default); reads last observed on …; 3 files evicted in the 30 days up to …`. */
export function budgetText({ budget, holdsBytes, lookedAtMs, evicted }: ExplainedBudget): string {
  const of = `${formatBytes(holdsBytes)} of ${formatPolicyValue('volume-budget', budget.value)}`;
  const looked = lookedAtMs === null ? 'reads never observed' : `reads last observed on ${formatTime(lookedAtMs)}`;
  const went =
    evicted === null
      ? []
      : [`${plural(evicted.files, 'file')} evicted in the 30 days up to ${formatTime(evicted.atMs)}`];
  return [`${of} (volume-budget, ${budget.source})`, looked, ...went].join('; ');
}
