import {
  type BytePath,
  type HeadRecord,
  type PolicyValue,
  type RunId,
  type StoredLayer,
  type Tool,
  formatPolicyValue,
  limits,
} from '@cachelane/core';
import { squashesOf } from '../heads/known-squashes.ts';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { chooseGoing } from './choose-going.ts';
import { grownHead, mostBytesOf } from './grown-head.ts';
import { type HeadNotes, notesOf } from './notes-of.ts';

export interface GrowthQuestion {
  readonly head: HeadRecord;
  readonly tool: Tool;
  readonly budget: PolicyValue;
}

/** What to remove from a head that is over its budget. */
export interface GrowthPlan {
  readonly head: HeadRecord;
  readonly tool: Tool;
  readonly budget: PolicyValue;
  /** The head's size. */
  readonly bytes: number;
  /** Files and groups to remove. */
  readonly paths: ReadonlySet<BytePath>;
  readonly groups: ReadonlySet<string>;
  /** Bytes freed, without names of removed files. */
  readonly goingBytes: number;
  /** The part that no recent run used. */
  readonly unusedBytes: number;
  /** Why it stays over its budget, one clause; null if it does not. */
  readonly why: string | null;
}

export type GrowthDependencies = Pick<EngineDependencies, 'metadata' | 'layers' | 'clock' | 'bootId' | 'random'>;

/** Returns null if the head is within its budget. Changes nothing. Errors: those of the layer store for an unreadable layer. */
export async function planGrowth(
  { metadata, layers, clock }: Pick<GrowthDependencies, 'metadata' | 'layers' | 'clock'>,
  { head, tool, budget }: GrowthQuestion,
  signal: AbortSignal,
): Promise<GrowthPlan | null> {
  if (!Number.isFinite(budget.value)) return null;
  if ((await mostBytesOf({ metadata }, head.layers, signal)) <= budget.value) return null;
  const { used, evicted } = await notesOf({ metadata, clock }, head, signal);
  const opened: StoredLayer[] = [];
  for (const id of head.layers) opened.push(await layers.open(id, signal));
  const { units, otherBytes, bytes } = await grownHead(
    { metadata },
    { layers: opened, tool, used, recent: await recentRuns(metadata, head, signal) },
    signal,
  );
  if (bytes <= budget.value) return null;
  const isBlind = isLookOwed({ used, evicted }) && bytes <= budget.value * limits.unseenGrowth;
  const usedSinceMs = used.atMs - limits.usedWithinMs;
  const going =
    isBlind && tool.losesFiles === true
      ? []
      : chooseGoing(units, { budgetBytes: budget.value, otherBytes, usedSinceMs });
  const goingBytes = sum(going);
  const unused = going.filter(({ usedAtMs }) => usedAtMs === null || usedAtMs < usedSinceMs);
  return {
    head,
    tool,
    budget,
    bytes,
    paths: new Set(going.flatMap(({ paths }) => paths)),
    groups: new Set(going.flatMap(({ group }) => group ?? [])),
    goingBytes,
    unusedBytes: sum(unused),
    why: bytes - goingBytes <= budget.value ? null : whyMore(tool, isBlind),
  };
}

/** Ordered by layers, because clocks of machines differ. */
async function recentRuns(
  metadata: GrowthDependencies['metadata'],
  head: HeadRecord,
  signal: AbortSignal,
): Promise<ReadonlySet<RunId>> {
  const runs = new Set<RunId>();
  for (const id of (await squashesOf(metadata, head, signal)).expand(head.layers)) {
    const run = (await metadata.layer(id, signal))?.run;
    if (run !== undefined) runs.add(run);
    if (runs.size >= limits.recentRuns) break;
  }
  return runs;
}

function sum(units: readonly { readonly sizeBytes: number }[]): number {
  return units.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
}

function whyMore(tool: Tool, isBlind: boolean): string {
  if (tool.losesFiles !== true) return `single files of ${tool.name} cannot be removed`;
  const limit = `up to ${limits.unseenGrowth} times its budget`;
  return isBlind
    ? `nothing is removed before the files that runs use are known, ${limit}`
    : 'files that the latest runs added or used stay, and so do unnamed files under 4 KiB';
}

/** Whether uses were not observed since the last removal. The next choice would rely on outdated uses. */
export function isLookOwed({ used, evicted }: HeadNotes): boolean {
  return used.atMs === 0 || used.atMs <= evicted.atMs;
}

/** Returns the exceeded limit; display text. */
export function overBudget({ budget }: Pick<GrowthPlan, 'budget'>): string {
  return `it holds more than ${formatPolicyValue('volume-budget', budget.value)}`;
}
