import { laneTrust, limits, type OpenedSession, type OpenedVolume, type PolicyValue } from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { RunCommandRequest } from '../model/run-request.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';
import { mostBytesOf } from './grown-head.ts';
import { notesOf } from './notes-of.ts';
import { isLookOwed } from './plan-growth.ts';
import { policyOfRun } from '../evictions/policy-of-run.ts';

/** What a run does about a volume's budget. */
export interface GrowthInRun {
  /** The budget for its saves; null if there is none or the run does not save. */
  readonly budget: PolicyValue | null;
  /** Whether to observe uses, even if that is slower. */
  readonly isLookDue: boolean;
}

export const noGrowth: GrowthInRun = { budget: null, isLookDue: false };

type GrowthInRunDependencies = Pick<EngineDependencies, 'metadata' | 'layers' | 'clock' | 'policy'>;
type GrowthInRunRequest = Pick<RunCommandRequest, 'context' | 'mode' | 'purpose' | 'lanePolicy' | 'signal'>;

/** Returns an entry for each volume, in order. T0 lanes have no budget, because they live only as long as their run. */
export async function growthInRun(
  deps: GrowthInRunDependencies,
  request: GrowthInRunRequest,
  { planned, opened }: { readonly planned: readonly PlannedVolume[]; readonly opened: OpenedSession },
): Promise<readonly GrowthInRun[]> {
  const { mode, purpose, context } = request;
  const saves = context.canWrite && (mode === 'write' || mode === 'write-only') && purpose === 'run';
  if (!saves || laneTrust(context.lane) === 'T0') return planned.map(() => noGrowth);
  const all: GrowthInRun[] = [];
  for (const [index, plan] of planned.entries()) {
    const volume = opened.volumes[index];
    all.push(volume === undefined ? noGrowth : await growthOf(deps, request, { plan, volume }));
  }
  return all;
}

async function growthOf(
  deps: GrowthInRunDependencies,
  { context, mode, lanePolicy, signal }: GrowthInRunRequest,
  { plan, volume }: { readonly plan: PlannedVolume; readonly volume: OpenedVolume },
): Promise<GrowthInRun> {
  // A run that does not save cannot record a usage check, so every run would repeat it.
  if (plan.commit === 'never') return noGrowth;
  const { namespace } = plan.own;
  // A repository's file does not set the budget of other projects.
  const own = namespace === context.namespace ? lanePolicy : null;
  const question = { namespace, volume: plan.request.name, lanePolicy: own };
  const { 'volume-budget': budget } = await policyOfRun(deps, question, signal);
  if (!Number.isFinite(budget.value)) return noGrowth;
  const isLookDue =
    mode === 'write' && plan.tool.losesFiles === true && (await isDue(deps, { budget, plan, volume }, signal));
  return { budget, isLookDue };
}

interface DueQuestion {
  readonly budget: PolicyValue;
  readonly plan: PlannedVolume;
  readonly volume: OpenedVolume;
}

/**
 * Returns whether a usage check is due. Returns false on a machine that just pulled the volume, since it may be discarded after the run,
 * and if the directory for the check would take space that the command may need.
 */
async function isDue(
  { metadata, layers, clock }: GrowthInRunDependencies,
  { budget, plan, volume: { volume, own } }: DueQuestion,
  signal: AbortSignal,
): Promise<boolean> {
  if (own.generation < 2) return false;
  const bytes = await mostBytesOf({ metadata }, own.layers, signal);
  if (bytes <= budget.value * limits.lookAtPart) return false;
  const notes = await notesOf({ metadata, clock }, { volumeId: volume.id, lane: plan.own.lane }, signal);
  if (!isLookOwed(notes) && notes.used.atMs >= clock.nowMs() - limits.lookEveryMs) return false;
  const { freeBytes } = await layers.space(signal);
  return freeBytes >= bytes * limits.lookRoom;
}
