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

/** What a run left of its volume. */
export interface RunTraces {
  readonly saved: Saved | null;
  /** Whose work it is: its own, and in a shared directory that of others. */
  readonly runs: readonly RunId[];
  /** What it found. */
  readonly view: View;
  readonly touched: readonly BytePath[];
  readonly used: readonly UsedFile[] | null;
}

export interface GrownVolume extends Pick<VolumeReport, 'cameBack' | 'shrunk'> {
  /** Where something went: what the head is then. */
  readonly head: HeadRecord | null;
}

const nothing: GrownVolume = { cameBack: null, shrunk: null, head: null };

/** Notes what the run used of a volume that has a budget, and takes away what is beyond that. The save stands: a failure is told, and the next run has the same to do. */
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
    deps.events(warningOf(error, `${what}, and nothing was taken away: ${error.message}`));
    return { ...nothing, cameBack };
  }
}

/** Before that, nothing was seen that is saved now: what a view shows is settled before it is attached. */
async function firstStartOf(
  { metadata }: EngineDependencies,
  runs: readonly RunId[],
  signal: AbortSignal,
): Promise<number> {
  let firstMs = Infinity;
  for (const run of runs) firstMs = Math.min(firstMs, (await metadata.run(run, signal))?.startedAtMs ?? 0);
  return firstMs;
}

/** Whether that was a look: only what is seen of all that is read makes it one, or a directory that was made for it; and a run that used nothing says nothing of those that do. */
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
