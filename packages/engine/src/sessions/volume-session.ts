import {
  asCachelaneError,
  displayPath,
  warningOf,
  type AttachedVolume,
  type ClassifyContext,
  type CommandOutcome,
  type Digest,
  type LayerCounts,
  type LayerId,
  type OpenedVolume,
  type PinnedLink,
  type RunId,
  type SessionId,
  type VolumeReport,
} from '@cachelane/core';
import type { CacheMode, EngineDependencies, RunPurpose } from '../engine.ts';
import { saveVolume, type Saved } from '../save/save-volume.ts';
import { emptyView, openView, type View } from '../views/view.ts';
import type { PlannedVolume } from '../volumes/plan.ts';
import type { MounterChoice } from './mounters.ts';
import { dropDamaged, isDamage, type Scrutiny } from './damaged-layers.ts';
import { neverAborted } from '../never-aborted.ts';

/** One volume of a running session. */
export interface VolumeSession {
  readonly planned: PlannedVolume;
  readonly opened: OpenedVolume;
  readonly links: readonly PinnedLink[];
  readonly view: View;
  readonly attached: AttachedVolume;
  readonly choice: MounterChoice;
  readonly attachMs: number;
}

export interface AttachInput {
  readonly sessionId: SessionId;
  readonly run: RunId;
  readonly ordinal: number;
  readonly mode: CacheMode;
  readonly canWrite: boolean;
  /** The directory that the command runs in. */
  readonly cwd: string;
  readonly choice: MounterChoice;
}

/** Composes the view and makes it mountable. Damaged or missing layers leave the chain, with a warning, before anything is mounted. */
export async function attachVolume(
  deps: EngineDependencies,
  volume: { readonly planned: PlannedVolume; readonly opened: OpenedVolume },
  input: AttachInput,
  signal: AbortSignal,
): Promise<VolumeSession> {
  const { planned, opened } = volume;
  const startedMs = deps.clock.monotonicMs();
  const { links, view } = input.mode === 'write-only' ? cold : await composeView(deps, volume, input, signal);
  const { sessionId, run, ordinal, choice } = input;
  const { target, own } = planned;
  const attached = await deps.mounters[choice.mounter].attach(
    {
      sessionId,
      run,
      ordinal,
      view: view.layers,
      target,
      reach: choice.reach,
      kept: input.canWrite ? { volume: opened.volume.id, lane: own.lane } : null,
      near: input.cwd,
      isNeverSaved: (path, isDirectory) => planned.tool.classify(path, isDirectory, nothingToSee).kind === 'never',
    },
    signal,
  );
  const attachMs = deps.clock.monotonicMs() - startedMs;
  deps.events({
    type: 'attached',
    volume: planned.request.name,
    path: planned.target,
    layers: view.layers.length,
    attachMs,
    mounter: choice.mounter,
    mounterWhy: choice.why,
  });
  return { planned, opened, links, view, attached, choice, attachMs };
}

/** Rules that depend on content have no say here. */
const nothingToSee: ClassifyContext = { peek: () => undefined };

interface Composed {
  readonly links: readonly PinnedLink[];
  readonly view: View;
}

const cold: Composed = { links: [], view: emptyView };

/** Damage that a glance does not show comes up when the layers are put together: then each is read, and the damaged ones go. */
async function composeView(
  deps: EngineDependencies,
  { planned, opened }: { readonly planned: PlannedVolume; readonly opened: OpenedVolume },
  { run, sessionId }: AttachInput,
  signal: AbortSignal,
): Promise<Composed> {
  const compose = async (scrutiny: Scrutiny): Promise<Composed> => {
    const links = await dropDamaged(deps, { opened, run, scrutiny }, signal);
    const view = await openView(deps, planned.tool, links, signal);
    return (await pinDerived(deps, sessionId, { links, view }, signal)) ? { links, view } : await compose(scrutiny);
  };
  try {
    return await compose('glance');
  } catch (error) {
    if (isDamage(error)) return await compose('read');
    throw error;
  }
}

/** Derived layers are nobody's but the session's that mounts them. False where a collector was faster: compose again. */
async function pinDerived(
  deps: EngineDependencies,
  sessionId: SessionId,
  { links, view }: Composed,
  signal: AbortSignal,
): Promise<boolean> {
  const pinned = new Set<Digest>(links.flatMap(({ layers }) => layers));
  const derived = view.layers.map(({ key }) => key).filter((key) => !pinned.has(key));
  if (derived.length === 0) return true;
  await deps.metadata.updateSession(sessionId, { pins: derived as LayerId[] }, signal);
  for (const key of derived) if ((await deps.layers.openDerived(key, signal)) === undefined) return false;
  return true;
}

const noCounts: LayerCounts = { added: 0, changed: 0, removed: 0, sizeBytes: 0 };

/** A report for a volume that the run had no cache for. */
export function coldReport(name: string, path: string, why: string): VolumeReport {
  return reportOf({ name, path, choice: null, links: [], attachMs: 0 }, { saveMs: 0, saved: null, skipped: why });
}

interface ReportHead {
  readonly name: string;
  readonly path: string;
  readonly choice: MounterChoice | null;
  readonly links: readonly PinnedLink[];
  readonly attachMs: number;
}

function reportOf(
  head: ReportHead,
  end: { readonly saveMs: number; readonly saved: Saved | null; readonly skipped: string | null },
): VolumeReport {
  const { saved } = end;
  const counts = saved?.layer.counts ?? noCounts;
  return {
    name: head.name,
    path: head.path,
    mounter: head.choice?.mounter ?? null,
    mounterWhy: head.choice?.why ?? null,
    hits: head.links
      .filter(({ layers }) => layers.length > 0)
      .map(({ namespace, lane, layers }) => ({ namespace, lane, layers: layers.length })),
    attachMs: roundMs(head.attachMs),
    saveMs: roundMs(end.saveMs),
    added: counts.added,
    changed: counts.changed,
    removed: counts.removed,
    savedBytes: counts.sizeBytes,
    layer: saved?.layer.id ?? null,
    merged: saved?.merged ?? 0,
    conflicts: saved?.conflicts ?? [],
    skipped: end.skipped,
  };
}

function roundMs(ms: number): number {
  return Math.round(ms * 10) / 10;
}

export interface EndInput extends Omit<AttachInput, 'choice' | 'ordinal' | 'cwd' | 'canWrite'> {
  readonly outcome: Extract<CommandOutcome, { kind: 'exited' }>;
  readonly purpose: RunPurpose;
  /** Null: the lane may be written; else why not. */
  readonly readOnly: string | null;
  /** Processes that can write are left: what they stand on stays, until a start finds them gone. */
  readonly inUse: boolean;
  /** A failure of our own is thrown instead of being reported. */
  readonly strict: boolean;
}

/** Saves what the run changed, where it may; frees what attach made. */
export async function endVolume(
  deps: EngineDependencies,
  session: VolumeSession,
  input: EndInput,
  signal: AbortSignal,
): Promise<VolumeReport> {
  const head: ReportHead = {
    name: session.planned.request.name,
    path: session.planned.target,
    choice: session.choice,
    links: session.links,
    attachMs: session.attachMs,
  };
  const startedMs = deps.clock.monotonicMs();
  let saved: Saved | null = null;
  let skipped = whyNotSaved(session, input);
  try {
    // Where others work in the same directory, what one of them does not want may be another one's.
    if (skipped === null || session.choice.mounter === 'live') {
      const end = await save(deps, session, { ...input, wanted: skipped === null }, signal);
      saved = end.saved;
      skipped = end.skipped ?? (saved === null ? skipped : null);
    }
  } catch (thrown) {
    if (input.strict) throw thrown;
    const error = asCachelaneError(thrown);
    skipped = error.message;
    if (isDamage(error)) await forgetDamaged(deps, session, input);
    deps.events(warningOf(error, `${head.name} was not saved: ${error.message}`));
  } finally {
    if (!input.inUse) await release(deps, session);
  }
  const report = reportOf(head, { saveMs: deps.clock.monotonicMs() - startedMs, saved, skipped });
  deps.events({ type: 'volume-done', report });
  return report;
}

/** What stays behind is swept by the next start; the save that was just made must not look as if it had failed. */
async function release(deps: EngineDependencies, { attached }: VolumeSession): Promise<void> {
  try {
    await attached.release(neverAborted);
  } catch (thrown) {
    deps.events(warningOf(asCachelaneError(thrown)));
  }
}

/** A layer that the run could still use, but not compare with: the next run finds the head without it. */
async function forgetDamaged(deps: EngineDependencies, { opened }: VolumeSession, { run }: EndInput): Promise<void> {
  try {
    await dropDamaged(deps, { opened, run, scrutiny: 'read' }, neverAborted);
  } catch (thrown) {
    deps.events(warningOf(asCachelaneError(thrown)));
  }
}

async function save(
  deps: EngineDependencies,
  session: VolumeSession,
  input: EndInput & { readonly wanted: boolean },
  signal: AbortSignal,
): Promise<{ readonly saved: Saved | null; readonly skipped: string | null }> {
  const { planned, opened } = session;
  const name = planned.request.name;
  const { inUse, wanted } = input;
  const collected = await session.attached.collect(signal, { inUse, wanted });
  if (collected.kind === 'unwanted') return { saved: null, skipped: null };
  if (collected.kind === 'shared') return { saved: null, skipped: sharedWith(collected.others, wanted) };
  const { changes, alsoOf } = collected;
  const total = changes.changes.length;
  let unknown = 0;
  const saved = await saveVolume(
    deps,
    {
      changes,
      view: session.view,
      tool: planned.tool,
      volumeId: opened.volume.id,
      lane: planned.own.lane,
      run: input.run,
      alsoOf,
      checksNames: session.choice.mounter === 'live',
      onlyKnown: planned.request.commit === null && input.outcome.exitCode !== 0,
      onUnknown: () => void unknown++,
      onDamage: (path) =>
        deps.events({
          type: 'warning',
          code: 'E_LAYER_REFUSED',
          message: `${name}: ${displayPath(path)} is not what its name says and is not saved: something edited a file that it has a hard link to`,
          hint: null,
        }),
      sessionId: input.sessionId,
      seen: seenLayers(session, input),
      prunes: input.purpose === 'prune',
      onProgress: (done) => deps.events({ type: 'progress', activity: 'saving', volume: name, done, total }),
    },
    signal,
  );
  collected.saved();
  if (saved !== null) await prepareNextView(deps, session, saved, signal);
  const isAllUnknown = saved === null && unknown > 0;
  return {
    saved,
    skipped: isAllUnknown ? 'the command failed, and all it changed is in no format that is known' : null,
  };
}

/** Of the own lane. Damaged layers that left the head before the view was composed are not in the way of a prune run. */
function seenLayers(
  { planned: { own }, opened, links }: VolumeSession,
  { mode, purpose }: EndInput,
): readonly LayerId[] {
  if (mode === 'write-only') return [];
  if (purpose === 'run') return opened.own.layers;
  return links.find(({ namespace, lane }) => namespace === own.namespace && lane === own.lane)?.layers ?? [];
}

/** Null where the run's own reason says more. */
function sharedWith(others: number, wanted: boolean): string | null {
  if (!wanted) return null;
  return `shared with ${others === 1 ? 'another run' : `${others} other runs`}: the last of them saves`;
}

/** The next run on this lane finds its view composed and squashed. A failure costs that run time, nothing else. */
async function prepareNextView(
  deps: EngineDependencies,
  session: VolumeSession,
  saved: Saved,
  signal: AbortSignal,
): Promise<void> {
  const { own } = session.planned;
  const rest = session.links.filter((link) => link.namespace !== own.namespace || link.lane !== own.lane);
  const links = [{ ...own, generation: saved.head.generation, layers: saved.head.layers }, ...rest];
  try {
    await openView(deps, session.planned.tool, links, signal);
  } catch (thrown) {
    const error = asCachelaneError(thrown);
    deps.events(
      warningOf(error, `the next view of ${session.planned.request.name} could not be prepared: ${error.message}`),
    );
  }
}

function whyNotSaved(session: VolumeSession, input: EndInput): string | null {
  if (input.mode === 'read') return 'mode read';
  if (input.readOnly !== null) return input.readOnly;
  if (input.outcome.interrupted) return 'the command was interrupted';
  // Half of a clean-up is nothing that counts, whatever is said of runs.
  const policy = input.purpose === 'prune' ? 'success' : session.planned.commit;
  if (policy === 'never') return 'commit never';
  if (policy === 'success' && input.outcome.exitCode !== 0)
    return `the command failed with exit code ${input.outcome.exitCode}`;
  return null;
}
