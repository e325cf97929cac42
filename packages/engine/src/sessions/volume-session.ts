import {
  asCachelaneError,
  CachelaneError,
  displayPath,
  seedText,
  warningOf,
  type RunPurpose,
  type AttachedVolume,
  type ClassifyContext,
  type Collected,
  type CollectedChanges,
  type CommandOutcome,
  type FedTier,
  type LayerId,
  type OpenedVolume,
  type PinnedLink,
  type RunId,
  type SavedPart,
  type SessionId,
  type VolumeReport,
} from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { CacheMode, RunCommandRequest } from '../model/run-request.ts';
import type { CommitPolicy } from '../model/volume-request.ts';
import { admitSave } from '../evictions/admit-save.ts';
import { nothingSaved, reportOf, type ReportHead, type SaveEnd } from './volume-report.ts';
import type { GrowthInRun } from '../growth/growth-in-run.ts';
import { growVolume } from '../growth/grow-volume.ts';
import { providerReport, shownName } from '../providers/provider-report.ts';
import { saveVolume, type Saved } from '../save/save-volume.ts';
import { missingGrant } from '../sharing/missing-grant.ts';
import { shownSeed, tellOtherSeed } from '../seeds/shown-seed.ts';
import { feedTiers } from '../tiers/feed-tiers.ts';
import { lineageOf } from '../tiers/lineage.ts';
import type { View } from '../views/view.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';
import type { MounterChoice } from '../leases/mounters.ts';
import { isDamage } from '../base/is-damage.ts';
import { dropDamaged, type Scrutiny } from '../heads/damaged-layers.ts';
import { prepareNextView } from './prepare-next-view.ts';
import { baseOf, cold, composeView, hasOwnLayers, joinedView, linksWith, type Composed } from './session-view.ts';
import { tellPassedOver } from '../leases/passed-over.ts';
import { neverAborted } from '../base/never-aborted.ts';

export interface VolumeSession {
  readonly planned: PlannedVolume;
  readonly opened: OpenedVolume;
  readonly links: readonly PinnedLink[];
  readonly view: View;
  readonly attached: AttachedVolume;
  readonly choice: MounterChoice;
  readonly growth: GrowthInRun;
  /** Whether the run had a grant at attach. If not, nothing was lost when it ends. */
  readonly wasGranted: boolean;
  readonly attachMs: number;
  readonly attachedAtMs: number;
}

export interface AttachInput {
  readonly sessionId: SessionId;
  readonly run: RunId;
  readonly ordinal: number;
  readonly mode: CacheMode;
  readonly canWrite: boolean;
  readonly cwd: string;
  /** See `AttachRequest`. */
  readonly samePath: boolean;
  readonly choice: MounterChoice;
  readonly growth: GrowthInRun;
  readonly scrutiny: Scrutiny;
}

/** Composes the view and makes it mountable. Damaged or missing layers are dropped with a warning first. */
export async function attachVolume(
  deps: EngineDependencies,
  volume: { readonly planned: PlannedVolume; readonly opened: OpenedVolume },
  input: AttachInput,
  signal: AbortSignal,
): Promise<VolumeSession> {
  const { planned, opened } = volume;
  const startedMs = deps.clock.monotonicMs();
  const wasGranted = (await missingGrant(deps, planned, signal)) === null;
  const { links, view } = input.mode === 'write-only' ? cold : await composeView(deps, volume, input, signal);
  const { sessionId, run, ordinal, choice } = input;
  const { target, own } = planned;
  const attached = await deps.mounters[choice.mounter].attach(
    {
      sessionId,
      run,
      ordinal,
      view: view.layers,
      links,
      target,
      reach: choice.reach,
      // Earlier changes in a kept directory must not count as this run's changes.
      kept: input.canWrite && !choice.isLook ? { volume: opened.volume.id, key: keyOf(planned), lane: own.lane } : null,
      amongMounts: (use) => deps.metadata.amongMounts(sessionId, use, signal),
      near: input.cwd,
      samePath: input.samePath,
      looks: choice.isLook || (input.growth.budget !== null && choice.mounter !== 'overlay'),
      isNeverSaved: (path, isDirectory) => {
        const rule = planned.tool.classify(path, isDirectory, nothingToSee);
        return rule.kind === 'never' && rule.isSecret !== true;
      },
    },
    signal,
  );
  tellPassedOver(deps, planned, attached);
  const shown = await joinedView(deps, volume, { attached, sessionId, composed: { links, view } }, signal);
  tellOtherSeed(deps, { request: planned.request, own: links, links: shown.links });
  const attachMs = deps.clock.monotonicMs() - startedMs;
  deps.events({
    type: 'attached',
    volume: shownName(planned.request),
    path: planned.target,
    layers: shown.view.layers.length,
    attachMs,
    mounter: choice.mounter,
    mounterWhy: choice.why,
  });
  const attachedAtMs = deps.clock.nowMs();
  return { planned, opened, ...shown, attached, choice, growth: input.growth, wasGranted, attachMs, attachedAtMs };
}

/** Returns the key of a kept directory. It uses names, because an unsaved volume's id ends with its last session. */
function keyOf({ own, request, compat, sharingKey }: PlannedVolume): string {
  const fields = Object.entries(compat).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([own.namespace, request.name, fields, ...(sharingKey === null ? [] : [sharingKey])]);
}

/** Content rules do not apply here. */
const nothingToSee: ClassifyContext = { peek: () => undefined };

export interface EndInput extends Pick<AttachInput, 'sessionId' | 'run' | 'mode'> {
  readonly outcome: Extract<CommandOutcome, { kind: 'exited' }>;
  readonly purpose: RunPurpose;
  readonly lanePolicy: RunCommandRequest['lanePolicy'];
  /** Null: the lane may be written; else the reason. */
  readonly readOnly: string | null;
  /** Whether processes that can write are left. Their mounts stay until recovery. */
  readonly inUse: boolean;
  /** Throw failures instead of reporting them. */
  readonly strict: boolean;
  /** Keep a private volume attached if saving fails, so that it can be ended again. */
  readonly keepsFailed: boolean;
}

async function headOf({ metadata }: EngineDependencies, session: VolumeSession): Promise<ReportHead> {
  const { planned, choice, links, opened, attachMs } = session;
  const { request, target, warnings } = planned;
  const seed = shownSeed({ request, own: opened.pinned, links });
  const provider = providerReport(planned, seed);
  let restoredBytes = 0;
  for (const id of new Set(links.flatMap(({ layers }) => layers))) {
    restoredBytes += (await metadata.layer(id, neverAborted))?.counts.sizeBytes ?? 0;
  }
  const had = { choice, links, restoredBytes, attachMs, warnings, evicted: opened.evicted, provider };
  return {
    ...had,
    name: shownName(request),
    namespace: planned.own.namespace,
    path: target,
    seed: seed === null ? null : seedText(seed),
  };
}

/** Returns the report of a shared volume that could not be saved here; the next run in its directory saves it. */
export async function leftToNext(deps: EngineDependencies, session: VolumeSession): Promise<VolumeReport> {
  const skipped = 'saving failed; the next run in its shared directory saves it';
  return reportOf(await headOf(deps, session), { ...nothingSaved, skipped, leftToOthers: true, saveMs: 0 });
}

/** Saves the run's changes, if it may, and releases the mount. */
export async function endVolume(
  deps: EngineDependencies,
  session: VolumeSession,
  input: EndInput,
  signal: AbortSignal,
): Promise<VolumeReport> {
  const head = await headOf(deps, session);
  const startedMs = deps.clock.monotonicMs();
  const displaced = displacement(session);
  const ownReason = whyNotSaved(session, input);
  // The command's latest writes are not in the volume, so the earlier ones are incomplete.
  const unwanted = ownReason ?? displaced?.message ?? null;
  let end: SaveEnd = { ...nothingSaved, skipped: unwanted };
  let stays = input.inUse;
  try {
    if (displaced !== null && ownReason === null && input.strict) throw displaced;
    if (displaced !== null) deps.events(warningOf(displaced, `${head.name}: ${displaced.message}`));
    const missing = input.mode === 'read' ? null : await missingGrant(deps, session.planned, signal);
    if (missing !== null) {
      end = { ...nothingSaved, skipped: unwanted ?? missing.message };
      if (session.wasGranted) deps.events(warningOf(missing, `${head.name} was not saved: ${missing.message}`));
    }
    // In a shared directory, changes this run does not want may belong to another run.
    else if (unwanted === null || session.choice.mounter === 'live')
      end = await save(deps, session, { ...input, unwanted }, signal);
  } catch (thrown) {
    const error = asCachelaneError(thrown);
    // A quota is no failure, even with `strict`.
    if (input.strict && error.code !== 'E_QUOTA') {
      stays ||= input.keepsFailed && session.choice.mounter !== 'live';
      throw thrown;
    }
    end = { ...nothingSaved, skipped: error.message };
    if (isDamage(error)) await forgetDamaged(deps, session, input);
    deps.events(warningOf(error, `${head.name} was not saved: ${error.message}`));
  } finally {
    if (!stays) await release(deps, session);
  }
  const report = reportOf(head, { ...end, saveMs: deps.clock.monotonicMs() - startedMs });
  deps.events({ type: 'volume-done', report });
  return report;
}

/** Returns why the volume is incomplete: the command replaced or removed its symlink. What replaced it stays. */
function displacement({ attached, planned: { target } }: VolumeSession): CachelaneError | null {
  const by = attached.displacedBy();
  if (by === null) return null;
  const link = `the symlink at ${target} to the volume`;
  return by === 'nothing'
    ? new CachelaneError('E_MOUNT_POINT', `${link} was removed; the volume is unchanged and this run is not saved`, {
        hint: 'without mounts, empty a cache by removing its contents, not the directory',
      })
    : new CachelaneError(
        'E_MOUNT_POINT',
        `${link} was replaced by ${by === 'directory' ? 'a directory' : by}: it is not saved, and it blocks the next run`,
        { hint: `move or remove ${target}; a command that empties its cache must leave the directory itself` },
      );
}

/** Recovery removes what stays behind. The save has succeeded. */
async function release(deps: EngineDependencies, { attached }: VolumeSession): Promise<void> {
  try {
    await attached.release(neverAborted);
  } catch (thrown) {
    deps.events(warningOf(asCachelaneError(thrown)));
  }
}

/** Drops damaged layers from the head after a failed comparison, for the next run. */
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
  /** Why this run's own changes are not saved, or null. */
  input: EndInput & { readonly unwanted: string | null },
  signal: AbortSignal,
): Promise<SaveEnd> {
  const { planned, opened } = session;
  const name = planned.request.name;
  const { inUse, unwanted } = input;
  const collected = await session.attached.collect(signal, { inUse, wanted: unwanted === null });
  if (collected.kind === 'unwanted') return { ...nothingSaved, skipped: unwanted };
  if (collected.kind === 'shared') return { saved: null, skipped: sharedWith(collected, unwanted), leftToOthers: true };
  const { alsoOf, part } = collected;
  const base = await baseOf(deps, { ...session, sessionId: input.sessionId }, collected, signal);
  const { changes } = base;
  const isOnOwn = hasOwnLayers(planned.own, collected.links);
  const total = changes.changes.length;
  const lineage = await lineageOf(deps, { planned, links: base.links, sessionId: input.sessionId }, signal);
  let unknown = 0;
  const { saved, taken, touched, isAll } = await saveVolume(
    deps,
    {
      changes,
      view: base.view,
      tool: planned.tool,
      volumeId: opened.volume.id,
      namespaceId: opened.volume.namespaceId,
      lane: planned.own.lane,
      run: input.run,
      alsoOf,
      part,
      checksLinks: session.choice.mounter === 'live' && planned.tool.linksOut,
      // Changes cannot be told apart by run, and other runs may have succeeded.
      onlyKnown: planned.request.commit === null && input.outcome.exitCode !== 0 && alsoOf.length === 0,
      onUnknown: () => void unknown++,
      onDamage: (path) =>
        deps.events({
          type: 'warning',
          code: 'E_LAYER_REFUSED',
          message: `${name}: ${displayPath(path)} is damaged and not saved: a program edited it through a hard link`,
          hint: null,
        }),
      sessionId: input.sessionId,
      hadHead: opened.own.generation > 0 || isOnOwn,
      // Without its base the same work would be found again. For a part, the last run does this.
      onRemoved: () => part === null && isOnOwn && noteSaved(deps, collected, undefined),
      seen: [...seenLayers(session, base, input), ...lineage.layers],
      prunes: input.purpose === 'prune',
      lineage,
      // A prune frees space.
      admit: async (sizeBytes) => {
        if (input.purpose === 'prune') return;
        const { lanePolicy } = input;
        const held = { volume: planned.request.name, lanePolicy, sizeBytes, heldBytes: lineage.sizeBytes };
        await admitSave(deps, { ...planned.own, ...held }, signal);
      },
      onProgress: (done) => deps.events({ type: 'progress', activity: 'saving', volume: name, done, total }),
    },
    signal,
  );
  noteSaved(
    deps,
    collected,
    part === null
      ? undefined
      : { links: linksWith(planned, base.links, { saved, lineage: lineage.layers }), taken, isAll },
  );
  const { used } = collected;
  const runs = [input.run, ...alsoOf];
  const grown = await growVolume(deps, session, { saved, runs, view: base.view, touched, used }, signal);
  const head = grown.head ?? saved?.head;
  if (head !== undefined) await prepareNextView(deps, session, { head, sessionId: input.sessionId }, signal);
  const fed = await feed(deps, session, { ...input, saved }, signal);
  if (part !== null && saved === null) {
    return { saved, skipped: sharedWith({ others: part.others, isWanted: true }, unwanted), leftToOthers: true, grown };
  }
  const allUnknown = unknown > 0 ? 'the command failed, and its changes are in unknown formats' : null;
  return { saved, skipped: saved === null ? (unwanted ?? allUnknown) : null, leftToOthers: false, grown, fed };
}

/** Runs even without changes: the feed rule may be new, or an earlier run may have failed. A prune has nothing to feed. */
async function feed(
  deps: EngineDependencies,
  { planned, opened }: VolumeSession,
  { purpose, run, unwanted, saved }: EndInput & { readonly unwanted: string | null; readonly saved: Saved | null },
  signal: AbortSignal,
): Promise<readonly FedTier[]> {
  if (purpose === 'prune' || (saved === null && unwanted !== null)) return [];
  return await feedTiers(deps, { planned, opened, run }, signal);
}

/** A prune only sees its own lane's layers. */
function seenLayers(
  { planned: { own } }: VolumeSession,
  { links }: Composed,
  { purpose }: EndInput,
): readonly LayerId[] {
  const ofLane = ({ namespace, lane }: PinnedLink): boolean => namespace === own.namespace && lane === own.lane;
  return links.filter((link) => purpose === 'run' || ofLane(link)).flatMap(({ layers }) => layers);
}

/** A failure is a warning: without the note, the next run finds the changes again and sees that they are saved. */
function noteSaved(deps: EngineDependencies, collected: CollectedChanges, part: SavedPart | undefined): void {
  try {
    collected.saved(part);
  } catch (thrown) {
    deps.events(warningOf(asCachelaneError(thrown)));
  }
}

type SharedEnd = Pick<Extract<Collected, { kind: 'shared' }>, 'others' | 'isWanted'>;

/** Changes in a shared directory cannot be told apart, so a failed run's changes are saved with the others. */
function sharedWith({ others, isWanted }: SharedEnd, unwanted: string | null): string {
  if (others === 0) return unwanted ?? 'processes are still writing; the next run saves';
  const who = `shared with ${others === 1 ? 'another run' : `${others} other runs`}`;
  if (unwanted === null) return `${who}; the last run saves`;
  const what = isWanted ? 'the last run saves this too' : 'saved if they are saved';
  return `${who}: ${what} (${unwanted})`;
}

export interface SaveRules extends Pick<EndInput, 'mode' | 'readOnly'> {
  readonly policy: CommitPolicy;
  readonly outcome: Pick<EndInput['outcome'], 'exitCode' | 'interrupted'>;
}

/** Returns why nothing is saved; null if the changes decide. */
export function whyNothingSaved({ mode, readOnly, policy, outcome }: SaveRules): string | null {
  if (mode === 'read') return 'mode read';
  if (readOnly !== null) return readOnly;
  if (policy === 'never') return 'commit never';
  if (outcome.interrupted) return 'the command was interrupted';
  return policy === 'success' && outcome.exitCode !== 0
    ? `the command failed with exit code ${outcome.exitCode}`
    : null;
}

function whyNotSaved(session: VolumeSession, input: EndInput): string | null {
  // An interrupted prune is never saved.
  const policy = input.purpose === 'prune' ? 'success' : session.planned.commit;
  return whyNothingSaved({ ...input, policy });
}
