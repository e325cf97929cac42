import {
  asCachelaneError,
  isCachelaneError,
  warningOf,
  limits,
  type ChainLink,
  type CommandOutcome,
  type Lease,
  type Mount,
  type OpenedSession,
  type OpenedVolume,
  type RunPlace,
  type VolumeReport,
} from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { RunCommandRequest } from '../model/run-request.ts';
import { growthInRun, noGrowth, type GrowthInRun } from '../growth/growth-in-run.ts';
import { shownName } from '../providers/provider-report.ts';
import { withSeedDirectories } from '../seeds/session-seeds.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';
import { neverAborted } from '../base/never-aborted.ts';
import { requireNoOthers } from '../base/require-no-others.ts';
import { chooseMounter, type MounterChoice } from '../leases/mounters.ts';
import { openSession } from './open-session.ts';
import { closeSession } from '../leases/close-session.ts';
import type { Ids } from '../model/session-input.ts';
import type { Scrutiny } from '../heads/damaged-layers.ts';
import { extractImages, mountedImages } from './extract-images.ts';
import { recover } from '../leases/recover.ts';
import { settleLeftovers } from '../leases/settle-leftovers.ts';
import { attachUnstored, endUnstored, unstoredChoice, type UnstoredVolume } from './unstored-volume.ts';
import { plannedCold } from './volume-report.ts';
import { attachVolume, endVolume, type AttachInput, type VolumeSession } from './volume-session.ts';

/** The volumes of a run. */
export interface RunVolumes {
  /** In the order of the request. */
  readonly all: readonly PlannedVolume[];
  readonly planned: readonly PlannedVolume[];
  /** Volumes outside the store. */
  readonly unstored: readonly PlannedVolume[];
}

export interface SessionResult {
  /** `not-started`: the caller runs the command without volumes. */
  readonly outcome: CommandOutcome;
  readonly volumes: readonly VolumeReport[];
  readonly opened: readonly (OpenedVolume & { readonly planned: PlannedVolume })[];
}

/** Opens a session, runs the command with its volumes, saves and closes. The lease outlives the session record, so a live session never looks dead. */
export async function runSession(
  deps: EngineDependencies,
  request: RunCommandRequest,
  { all, planned, unstored }: RunVolumes,
  ids: Ids,
): Promise<SessionResult> {
  await using lease = await deps.leases.acquire(ids.sessionId, request.signal);
  const first = await openSession(deps, request, planned, { ...ids, attaches: true, unstored });
  const use = { isLeft: false };
  try {
    if (request.purpose === 'prune') {
      for (const [index, { request: volume, own }] of planned.entries())
        requireNoOthers(volume.name, own, withLayers(first, index));
    }
    await recover(deps, ids.sessionId, request.signal);
    const opened = await withSeedDirectories(deps, request, { planned, opened: first, ids });
    const growth = await growthInRun(deps, request, { planned, opened });
    const result = await runOpened(deps, request, { all, planned, unstored, opened, growth, ids, lease, use });
    const volumes = opened.volumes.flatMap((volume, index) => {
      const plan = planned[index];
      return plan === undefined ? [] : [{ ...volume, planned: plan }];
    });
    return { ...result, opened: volumes };
  } finally {
    // Otherwise the session stays open, and a later start closes it.
    if (!use.isLeft) await closeSession(deps, ids.sessionId);
  }
}

function withLayers({ volumes }: OpenedSession, index: number): readonly ChainLink[] {
  return (volumes[index]?.pinned ?? []).filter(({ layers }) => layers.length > 0);
}

interface Opened extends RunVolumes {
  readonly opened: OpenedSession;
  /** By volume. */
  readonly growth: readonly GrowthInRun[];
  readonly ids: Ids;
  readonly lease: Lease;
  /** Whether processes that can write to the volumes outlive the run. */
  readonly use: { isLeft: boolean };
}

async function runOpened(
  deps: EngineDependencies,
  request: RunCommandRequest,
  session: Opened,
): Promise<Omit<SessionResult, 'opened'>> {
  const place: { current: RunPlace | null } = { current: null };
  const { outcome, reports, attached, beside } = await startCommand(deps, request, { session, place });
  if (outcome.kind === 'not-started') {
    await releaseAll([...attached, ...beside]);
    const { reason } = outcome;
    const cold = [...attached, ...beside].map(({ planned }) => plannedCold(planned, reason));
    return { outcome, volumes: [...reports, ...cold] };
  }
  deps.events({ type: 'command-ended', exitCode: outcome.exitCode, interrupted: outcome.interrupted });
  if (place.current !== null) session.use.isLeft = await settleLeftovers(deps, request, place.current);
  for (const volume of attached) reports.push(await endOne(deps, request, session, { volume, outcome }));
  for (const volume of beside) reports.push(await endUnstored(deps, volume, { stays: session.use.isLeft }));
  return { outcome, volumes: inOrder(reports, session.all) };
}

interface Tried {
  readonly reports: VolumeReport[];
  readonly attached: readonly VolumeSession[];
  readonly beside: readonly UnstoredVolume[];
  readonly outcome: CommandOutcome;
}

/** Starts the command. If mounts are refused, the command did not run: retry with extracted images, then without mounts. */
async function startCommand(
  deps: EngineDependencies,
  request: RunCommandRequest,
  { session, place }: Pick<CommandRun, 'session' | 'place'>,
): Promise<Tried> {
  const attempt = async (how: Attempt): Promise<Tried> => {
    const volumes = await attachAll(deps, request, session, how);
    const attached = [...volumes.attached, ...volumes.beside];
    return { ...volumes, outcome: await runWith(deps, request, { session, attached, place }) };
  };
  let tried = await attempt({ failed: null, scrutiny: 'glance' });
  const images = mountedImages(tried.attached);
  if (tried.outcome.kind === 'not-started' && images.length > 0 && !request.signal.aborted) {
    const scrutiny = await extractImages(deps, request, { ids: images, reason: tried.outcome.reason });
    if (scrutiny !== null) {
      await releaseAll([...tried.attached, ...tried.beside]);
      tried = await attempt({ failed: null, scrutiny });
    }
  }
  const all = [...tried.attached, ...tried.beside];
  if (tried.outcome.kind === 'not-started' && mayFallBack(request, all)) {
    await releaseAll(all);
    tried = await attempt({ failed: tried.outcome, scrutiny: 'glance' });
  }
  return tried;
}

type Attached = Pick<VolumeSession | UnstoredVolume, 'planned' | 'choice'> & {
  readonly attached: Pick<VolumeSession['attached'], 'mount' | 'release'>;
};

async function releaseAll(attached: readonly Attached[]): Promise<void> {
  for (const volume of attached) await volume.attached.release(neverAborted);
}

/** Returns whether private directories may replace mounts. A mounter chosen by the user is not replaced. */
function mayFallBack({ mounter, signal }: RunCommandRequest, attached: readonly Attached[]): boolean {
  return mounter !== 'overlay' && !signal.aborted && attached.some(({ attached: { mount } }) => needsMount(mount));
}

function needsMount(mount: Mount): boolean {
  return mount.kind === 'overlay' || mount.bind;
}

interface CommandRun {
  readonly session: Opened;
  readonly attached: readonly Attached[];
  readonly place: { current: RunPlace | null };
}

async function runWith(
  deps: EngineDependencies,
  request: RunCommandRequest,
  { session, attached, place }: CommandRun,
): Promise<CommandOutcome> {
  return await deps.runtime.run({
    argv: request.argv,
    cwd: request.cwd,
    env: settingsOf(request, attached),
    mounts: attached.map(({ attached: { mount } }) => mount),
    leaseFile: attached.length === 0 ? null : session.lease.commandFile,
    onPlace: (known) => {
      place.current = known;
      // Written at once, so that recovery finds the command after a kill. A failure shows at close.
      void deps.metadata
        .updateSession(session.ids.sessionId, { place: known.token }, neverAborted)
        .catch(() => undefined);
    },
  });
}

/** Returns the command's environment plus the tools' settings. The user's variables win, except for cache paths. */
function settingsOf(
  { env, purpose }: RunCommandRequest,
  attached: readonly Attached[],
): Readonly<Record<string, string>> {
  // While pruning, tools keep their own limits, which are lifted for other runs.
  const told = purpose === 'prune' ? [] : attached;
  const own = told.flatMap(({ planned: { tool } }) => [tool.env ?? {}, tool.daemon?.settings ?? {}]);
  const places = attached.map(({ planned, choice, attached: { mount } }) =>
    mount.kind === 'directory' && choice.reach === 'setting' ? (planned.tool.redirect(mount.path) ?? {}) : {},
  );
  return Object.assign({}, ...own, env, ...places) as Record<string, string>;
}

/** One try to start the command. */
interface Attempt {
  /** Why mounts were refused; null in the first try. */
  readonly failed: Extract<CommandOutcome, { kind: 'not-started' }> | null;
  readonly scrutiny: Scrutiny;
}

async function attachAll(
  deps: EngineDependencies,
  request: RunCommandRequest,
  { planned, unstored, opened, ids, growth }: Opened,
  { failed, scrutiny }: Attempt,
): Promise<Omit<Tried, 'outcome'>> {
  const reports: VolumeReport[] = [];
  const attached: VolumeSession[] = [];
  const beside: UnstoredVolume[] = [];
  // Targets are recorded before they are made, so that recovery finds them.
  const { canWrite } = request.context;
  const { mode, mounter: wanted, purpose } = request;
  const cannotMount = failed === null ? whyNoMounts(request) : `volumes cannot be mounted here: ${failed.reason}`;
  const question = { wanted, cannotMount, mode, purpose, canWrite };
  const choices = planned.map((plan, index) =>
    chooseMounter(plan, { ...question, isLookDue: growth[index]?.isLookDue ?? false }),
  );
  const all = [...planned, ...unstored];
  const ways = [...choices, ...unstored.map((plan) => unstoredChoice(plan, cannotMount))];
  const missing = all.flatMap(({ target }, index) => {
    const choice = ways[index];
    return choice === undefined ? [] : deps.mounters[choice.mounter].missingDirs(target, choice.reach);
  });
  const madeDirs = [...new Set(missing)];
  // Mount points matter only to runs that create symlinks.
  const mounts = cannotMount === null ? {} : { mounts: targetsToMount(all, ways) };
  if (madeDirs.length > 0 || cannotMount !== null) {
    await deps.metadata.updateSession(ids.sessionId, { madeDirs, ...mounts }, request.signal);
  }
  const leaveOut = (plan: PlannedVolume, thrown: unknown): void => {
    if (request.strict) throw thrown;
    const error = asCachelaneError(thrown);
    reports.push(plannedCold(plan, error.message));
    deps.events(warningOf(error, `${shownName(plan.request)} runs without a cache: ${error.message}`));
  };
  for (const [ordinal, plan] of planned.entries()) {
    const volume = opened.volumes[ordinal];
    const choice = choices[ordinal];
    if (volume === undefined || choice === undefined) continue;
    try {
      attached.push(
        await attachAsUsual(
          deps,
          { planned: plan, opened: volume },
          {
            input: {
              ...ids,
              ordinal,
              mode,
              canWrite,
              cwd: request.cwd,
              samePath: true,
              choice,
              scrutiny,
              growth: growth[ordinal] ?? noGrowth,
            },
            usual: chooseMounter(plan, { ...question, isLookDue: false }),
          },
          request.signal,
        ),
      );
    } catch (thrown) {
      leaveOut(plan, thrown);
    }
  }
  for (const [index, plan] of unstored.entries()) {
    const choice = ways[planned.length + index];
    if (choice === undefined) continue;
    // Ordinals after those of volumes and seeds.
    const ordinal = planned.length * 2 + index;
    try {
      const input = { ...ids, ordinal, mode, canWrite, cwd: request.cwd };
      beside.push(await attachUnstored(deps, { planned: plan, choice }, input, request.signal));
    } catch (thrown) {
      leaveOut(plan, thrown);
    }
  }
  // A run without a volume mounts nothing there.
  if (reports.length > 0) {
    const mounts = [...attached, ...beside]
      .filter((volume) => needsMount(volume.attached.mount))
      .map((volume) => volume.planned.target);
    await deps.metadata.updateSession(ids.sessionId, { mounts }, request.signal);
  }
  return { reports, attached, beside };
}

function targetsToMount(planned: readonly PlannedVolume[], choices: readonly MounterChoice[]): readonly string[] {
  return planned.flatMap(({ target }, index) => (choices[index]?.reach === 'bind' ? [target] : []));
}

interface AttachTask {
  readonly input: AttachInput;
  /** The choice without a look. */
  readonly usual: MounterChoice;
}

/** A look copies the volume. If that fails, the volume is attached as usual. */
async function attachAsUsual(
  deps: EngineDependencies,
  volume: Parameters<typeof attachVolume>[1],
  { input, usual }: AttachTask,
  signal: AbortSignal,
): Promise<VolumeSession> {
  try {
    return await attachWhenFree(deps, volume, input, signal);
  } catch (thrown) {
    if (!input.choice.isLook || signal.aborted) throw thrown;
    const error = asCachelaneError(thrown);
    const { name } = volume.planned.request;
    deps.events(warningOf(error, `reads of ${name} are not observed: ${error.message}`));
    return await attachWhenFree(deps, volume, { ...input, choice: usual }, signal);
  }
}

/** Waits for runs that may mount at the target before creating a symlink there. */
async function attachWhenFree(
  deps: EngineDependencies,
  volume: Parameters<typeof attachVolume>[1],
  input: AttachInput,
  signal: AbortSignal,
): Promise<VolumeSession> {
  const startedMs = deps.clock.monotonicMs();
  for (;;) {
    try {
      return await attachVolume(deps, volume, input, signal);
    } catch (error) {
      if (!isCachelaneError(error, 'E_MOUNT_POINT') || !error.retryable) throw error;
      if (deps.clock.monotonicMs() - startedMs >= limits.startWaitMs) throw error;
      await deps.clock.sleep(limits.lockPollMs, signal);
    }
  }
}

/** Mount namespaces exist on Linux only. */
function whyNoMounts({ environment }: RunCommandRequest): string | null {
  return environment.os === 'linux' ? null : 'volumes are mounted on Linux only';
}

async function endOne(
  deps: EngineDependencies,
  request: RunCommandRequest,
  { ids, use }: Opened,
  end: { readonly volume: VolumeSession; readonly outcome: Extract<CommandOutcome, { kind: 'exited' }> },
): Promise<VolumeReport> {
  const { canWrite, why } = request.context;
  return endVolume(
    deps,
    end.volume,
    {
      ...ids,
      mode: request.mode,
      purpose: request.purpose,
      lanePolicy: request.lanePolicy,
      outcome: end.outcome,
      readOnly: canWrite ? null : why,
      inUse: use.isLeft,
      strict: request.strict,
      keepsFailed: false,
    },
    request.signal,
  );
}

function inOrder(reports: readonly VolumeReport[], planned: readonly PlannedVolume[]): readonly VolumeReport[] {
  const order = new Map(planned.map(({ target }, index) => [target, index]));
  return [...reports].toSorted((a, b) => (order.get(a.path) ?? 0) - (order.get(b.path) ?? 0));
}
