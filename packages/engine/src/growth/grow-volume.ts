import {
  asCachelaneError,
  pathMark,
  warningOf,
  type BytePath,
  type HeadRecord,
  type OpenedVolume,
  type RunId,
  type UsedFile,
  type VolumeReport,
} from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { Saved } from '../save/save-volume.ts';
import type { MounterChoice } from '../leases/mounters.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';
import type { View } from '../views/view.ts';
import type { GrowthInRun } from './growth-in-run.ts';
import { notesOf } from './notes-of.ts';
import { shrinkHead } from './shrink-head.ts';

/** A volume that a run had attached. */
interface RunVolume {
  readonly planned: PlannedVolume;
  readonly opened: OpenedVolume;
  readonly choice: Pick<MounterChoice, 'isLook'>;
  readonly growth: GrowthInRun;
  readonly attachedAtMs: number;
}

/** What a run left behind in its volume. */
export interface RunTraces {
  readonly saved: Saved | null;
  /** The runs that worked in it: its own, and others in a shared directory. */
  readonly runs: readonly RunId[];
  /** The view that the run found. */
  readonly view: View;
  readonly touched: readonly BytePath[];
  readonly used: readonly UsedFile[] | null;
}

export interface GrownVolume extends Pick<VolumeReport, 'cameBack' | 'shrunk'> {
  /** The head after a removal; null if nothing was removed. */
  readonly head: HeadRecord | null;
}

const nothing: GrownVolume = { cameBack: null, shrunk: null, head: null };

/**
 * Records what the run used of a volume with a budget, and removes files over the budget. A failure gives a warning and leaves the save
 * alone; the next run tries again.
 */
export async function growVolume(
  deps: EngineDependencies,
  session: RunVolume,
  traces: RunTraces,
  signal: AbortSignal,
): Promise<GrownVolume> {
  const { budget } = session.growth;
  if (budget === null) return nothing;
  const { planned, opened } = session;
  let cameBack: GrownVolume['cameBack'] = null;
  try {
    const looked = await noteUses(deps, session, traces, signal);
    cameBack = await whatCameBack(deps, session, traces, signal);
    if (traces.saved === null && !looked) return { ...nothing, cameBack };
    const head = traces.saved?.head ?? (await deps.metadata.head(opened.volume.id, planned.own.lane, signal));
    if (head === undefined) return { ...nothing, cameBack };
    const { namespaceId } = opened.volume;
    const { evicted } = await notesOf(deps, head, signal);
    const closes = evicted.atMs > 0 && evicted.atMs >= (await firstStartOf(deps, traces.runs, signal));
    const shrunk = await shrinkHead(deps, { head, tool: planned.tool, budget, namespaceId, closes }, signal);
    if (shrunk === null) return { ...nothing, cameBack };
    const { files, sizeBytes, plan } = shrunk;
    const told = plan === null ? null : { files, sizeBytes, budgetBytes: budget.value };
    return { cameBack, shrunk: told, head: shrunk.head };
  } catch (thrown) {
    const error = asCachelaneError(thrown);
    const what = `${planned.request.name} may be over its budget`;
    deps.events(warningOf(error, `${what}, but nothing was removed: ${error.message}`));
    return { ...nothing, cameBack };
  }
}

/** Returns the run's start. Views are settled before they are attached, so earlier uses do not count. */
async function firstStartOf(
  { metadata }: EngineDependencies,
  runs: readonly RunId[],
  signal: AbortSignal,
): Promise<number> {
  let firstMs = Infinity;
  for (const run of runs) firstMs = Math.min(firstMs, (await metadata.run(run, signal))?.startedAtMs ?? 0);
  return firstMs;
}

/** Records used paths. Returns whether all reads were observed: only then unused paths tell anything, and only if the run used something. */
async function noteUses(
  { metadata, clock }: EngineDependencies,
  { planned, opened, choice, attachedAtMs }: RunVolume,
  { touched, used }: RunTraces,
  signal: AbortSignal,
): Promise<boolean> {
  const hasUsed = touched.length + (used?.length ?? 0) > 0;
  if (!hasUsed) return false;
  const moves = used !== null || choice.isLook;
  const nowMs = clock.nowMs();
  const paths = [
    ...touched.map((path) => [pathMark(path), nowMs] as const),
    ...(used ?? []).map(({ path, atMs }) => [pathMark(path), Math.min(nowMs, atMs ?? nowMs)] as const),
  ];
  const atMs = moves ? attachedAtMs : nowMs;
  const place = { volumeId: opened.volume.id, lane: planned.own.lane };
  await metadata.notePaths({ ...place, note: 'used', paths, atMs, moves }, signal);
  return moves;
}

async function whatCameBack(
  { metadata, layers }: EngineDependencies,
  { planned, opened }: RunVolume,
  { saved, view }: RunTraces,
  signal: AbortSignal,
): Promise<GrownVolume['cameBack']> {
  if (saved === null) return null;
  const { marks } = await metadata.notedPaths(opened.volume.id, planned.own.lane, 'evicted', signal);
  if (marks.size === 0) return null;
  let [files, sizeBytes, atMs] = [0, 0, 0];
  for (const entry of (await layers.open(saved.layer.id, signal)).index.entries()) {
    if (entry.type !== 'file' || entry.removed !== null) continue;
    const wentAtMs = marks.get(pathMark(entry.path));
    if (wentAtMs === undefined || view.lookUp(entry.path) !== undefined) continue;
    files++;
    sizeBytes += entry.sizeBytes;
    atMs = Math.max(atMs, wentAtMs);
  }
  return files === 0 ? null : { files, sizeBytes, atMs };
}
