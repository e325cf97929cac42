import {
  CachelaneError,
  invariant,
  isCachelaneError,
  type CommandOutcome,
  type Lease,
  type OpenedSession,
  type RunId,
  type SessionId,
  type VolumeReport,
} from '@cachelane/core';
import { heedCatalogs } from './heed-catalogs.ts';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { RunCommandRequest } from '../model/run-request.ts';
import { growthInRun, noGrowth } from '../growth/growth-in-run.ts';
import { neverAborted } from '../base/never-aborted.ts';
import { provideVolume, providingFor } from '../providers/provide-volume.ts';
import { withSeedDirectories } from '../seeds/session-seeds.ts';
import { beginSync, endSync, type BegunSync } from '../sync/run-sync.ts';
import { planVolume } from '../volumes/plan.ts';
import { type PlannedVolume, isUnstored } from '../model/planned-volume.ts';
import { chooseMounter, type MounterChoice } from '../leases/mounters.ts';
import { openSession } from '../sessions/open-session.ts';
import { closeSession } from '../leases/close-session.ts';
import { type Ids, newIds } from '../model/session-input.ts';
import { recover } from '../leases/recover.ts';
import { type UnstoredVolume, attachUnstored, endUnstored, unstoredChoice } from '../sessions/unstored-volume.ts';
import { attachVolume, endVolume, leftToNext, type EndInput, type VolumeSession } from '../sessions/volume-session.ts';

/** As a run's request, without what only commands need. */
export type ForkRequest = Omit<
  RunCommandRequest,
  'argv' | 'env' | 'purpose' | 'mounter' | 'leaveProcesses' | 'strict' | 'run'
> & {
  /** See `AttachRequest`: for a client that passes the directories to commands whose processes are known. */
  readonly samePath: boolean;
};

export interface ForkedVolume {
  readonly planned: PlannedVolume;
  readonly choice: MounterChoice;
  /** Absolute path of the directory with the volume's contents. */
  readonly directory: string;
  /** Variables that point the tool to it; empty if the tool has none. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Directories with volumes' contents for a program that works in them itself. Other clients do not see changes before the commit, except in SHARED
 * volumes. This process holds the lease: if it dies, the next start discards the fork, like a killed run.
 */
export interface Fork {
  readonly sessionId: SessionId;
  readonly run: RunId;
  readonly volumes: readonly ForkedVolume[];
  /** Whether it can still be committed or discarded. */
  readonly isOpen: boolean;
  /**
   * Saves the changes as after a command with this exit code, and ends the fork. With a code other than 0, saves only what the tool always
   * leaves complete. Errors: those of a strict save, which name what was saved before. The fork then stays open with the unsaved volumes,
   * and a second call continues. The fork then no longer owns a shared directory; the next run in it saves.
   */
  commit(exitCode?: number): Promise<readonly VolumeReport[]>;
  /** Ends the fork and drops its changes. Idempotent. */
  discard(): Promise<void>;
}

/** The engine does not start the fork's program, so the program would not see a mount. */
const noCommand = 'a fork has no command that would see mounts, so the volume is a directory';

type Exited = Extract<CommandOutcome, { kind: 'exited' }>;

/** The client says whether the work succeeded. */
const endedWell: Exited = { kind: 'exited', exitCode: 0, interrupted: false, receivedSignal: null };
const discarded: Exited = { ...endedWell, exitCode: 1, interrupted: true };

/**
 * Opens a fork. Any problem is an error, because the client must know. Errors: E_VOLUME, E_USAGE, E_NOT_FOUND, E_LOCKED, E_MOUNT, and those
 * of store and remote.
 */
export async function openFork(deps: EngineDependencies, asked: ForkRequest): Promise<Fork> {
  const request = { ...asked, purpose: 'run', strict: true } as const;
  const { planned: all } = await heedCatalogs(deps, request, await planAll(deps, request));
  const planned = all.filter((volume) => !isUnstored(volume));
  const unstored = all.filter(isUnstored);
  const ids = newIds(deps);
  const begun = await beginSync(deps, { ...request, strict: false }, { planned, run: ids.run });
  const lease = await deps.leases.acquire(ids.sessionId, request.signal);
  try {
    const first = await openSession(deps, request, planned, { ...ids, attaches: true, unstored });
    try {
      await recover(deps, ids.sessionId, request.signal);
      const opened = await withSeedDirectories(deps, request, { planned, opened: first, ids });
      const attached = await attachAll(deps, request, { planned, opened, ids });
      try {
        const beside = await attachBeside(deps, request, { planned, unstored, ids });
        const order = all.map(({ target }) => target);
        return forkOf(deps, request, { ids, opened, attached, beside, order, lease, begun });
      } catch (error) {
        await releaseAll(attached);
        throw error;
      }
    } catch (error) {
      await closeSession(deps, ids.sessionId);
      throw error;
    }
  } catch (error) {
    await lease[Symbol.asyncDispose]();
    throw error;
  }
}

async function planAll(deps: EngineDependencies, request: StrictRequest): Promise<readonly PlannedVolume[]> {
  const { context, environment, volumes, signal } = request;
  const place = providingFor(deps, request);
  const planned: PlannedVolume[] = [];
  for (const volume of volumes) {
    const provided = await provideVolume(deps, place, volume, signal);
    planned.push(planVolume(deps.tools, context, environment, provided));
  }
  return planned;
}

type StrictRequest = ForkRequest & { readonly purpose: 'run'; readonly strict: true };

interface Attaching {
  readonly planned: readonly PlannedVolume[];
  readonly opened: OpenedSession;
  readonly ids: Ids;
}

async function attachAll(
  deps: EngineDependencies,
  request: StrictRequest,
  { planned, opened, ids }: Attaching,
): Promise<readonly VolumeSession[]> {
  const { mode, purpose, context, cwd, samePath, signal } = request;
  const { canWrite } = context;
  const growth = await growthInRun(deps, request, { planned, opened });
  const attached: VolumeSession[] = [];
  try {
    // The fork mounts nothing.
    await deps.metadata.updateSession(ids.sessionId, { mounts: [] }, signal);
    for (const [ordinal, plan] of planned.entries()) {
      const volume = opened.volumes[ordinal];
      if (volume === undefined) continue;
      const question = { wanted: null, cannotMount: noCommand, mode, purpose, canWrite, isLookDue: false };
      const choice: MounterChoice = { ...chooseMounter(plan, question), reach: 'setting' };
      const input = { ...ids, ordinal, mode, canWrite, cwd, samePath, choice, scrutiny: 'glance' } as const;
      const session = { planned: plan, opened: volume };
      attached.push(await attachVolume(deps, session, { ...input, growth: growth[ordinal] ?? noGrowth }, signal));
    }
    return attached;
  } catch (error) {
    await releaseAll(attached);
    throw error;
  }
}

interface AttachingBeside extends Pick<Attaching, 'planned' | 'ids'> {
  readonly unstored: readonly PlannedVolume[];
}

/** A provided host directory is used in place; changes take effect at once. */
async function attachBeside(
  deps: EngineDependencies,
  { mode, context: { canWrite }, cwd, signal }: StrictRequest,
  { planned, unstored, ids }: AttachingBeside,
): Promise<readonly UnstoredVolume[]> {
  const attached: UnstoredVolume[] = [];
  try {
    for (const [index, plan] of unstored.entries()) {
      const choice: MounterChoice = { ...unstoredChoice(plan, noCommand), reach: 'setting' };
      const input = { ...ids, ordinal: planned.length * 2 + index, mode, canWrite, cwd };
      attached.push(await attachUnstored(deps, { planned: plan, choice }, input, signal));
    }
    return attached;
  } catch (error) {
    await releaseAll(attached);
    throw error;
  }
}

interface Open {
  readonly ids: Ids;
  readonly opened: OpenedSession;
  readonly attached: readonly VolumeSession[];
  readonly beside: readonly UnstoredVolume[];
  /** Targets in the requested order. */
  readonly order: readonly string[];
  readonly lease: Lease;
  readonly begun: BegunSync | null;
}

function forkOf(deps: EngineDependencies, request: StrictRequest, open: Open): Fork {
  const { ids, opened, attached, beside, order, lease, begun } = open;
  let state: 'open' | 'ending' | 'ended' = 'open';
  /** Reports of ended volumes, in order. */
  const reports: VolumeReport[] = [];
  const close = async (): Promise<void> => {
    state = 'ended';
    // This process holds the lease, so no other process cleans up.
    await using _ = lease;
    await releaseAll([...attached, ...beside]);
    await closeSession(deps, ids.sessionId);
  };
  const save = async (exitCode: number): Promise<void> => {
    state = 'ending';
    try {
      // If the whole store is gone, report that instead.
      await deps.metadata.namespace(opened.namespace.id, neverAborted);
    } catch (error) {
      state = 'open';
      throw stillOpen(error);
    }
    const input = endInput(request, ids, { ...endedWell, exitCode });
    try {
      for (const volume of attached.slice(reports.length)) {
        reports.push(await endVolume(deps, volume, input, neverAborted));
      }
    } catch (error) {
      state = 'open';
      const done = reports.length;
      const failed = attached[done];
      if (failed?.choice.mounter === 'live') reports.push(await leftToNext(deps, failed));
      throw stillOpen(inPart(error, attached, done));
    }
  };
  return {
    ...ids,
    volumes: inOrder([...attached, ...beside].map(forkedVolume), order, ({ planned }) => planned.target),
    get isOpen() {
      return state === 'open';
    },
    async commit(exitCode = 0) {
      if (state !== 'open') throw new CachelaneError('E_NOT_FOUND', 'the fork has ended');
      await save(exitCode);
      const unstored: VolumeReport[] = [];
      for (const volume of beside) unstored.push(await endUnstored(deps, volume, { stays: false }));
      await close();
      const volumes = opened.volumes.flatMap((volume, index) => {
        const planned = attached[index]?.planned;
        return planned === undefined ? [] : [{ ...volume, planned }];
      });
      const ended = { run: ids.run, opened: volumes, reports };
      const synced = await endSync(deps, { ...request, strict: false }, begun, ended);
      return inOrder([...synced, ...unstored], order, ({ path }) => path);
    },
    async discard() {
      if (state !== 'open') return;
      state = 'ending';
      try {
        for (const volume of attached.slice(reports.length)) {
          await endVolume(deps, volume, endInput(request, ids, discarded), neverAborted);
        }
      } finally {
        await close();
      }
    },
  };
}

/** Keeps the fork open after a failure, since the reason may pass or be fixed. */
function stillOpen(thrown: unknown): unknown {
  if (!isCachelaneError(thrown)) return thrown;
  const { code, message, retryable } = thrown;
  // A removed volume stays removed.
  const what = code === 'E_NOT_FOUND' ? 'discard it' : 'commit it again, or discard it';
  const hint = [thrown.hint, `the fork is still open: ${what}`].filter(Boolean).join('; ');
  return new CachelaneError(code, message, { hint, retryable, cause: thrown.cause ?? thrown });
}

/** Adds to the error what happened to each volume. */
function inPart(thrown: unknown, attached: readonly VolumeSession[], done: number): unknown {
  if (attached.length < 2 || !isCachelaneError(thrown)) return thrown;
  const names = attached.map(({ planned }) => planned.request.name);
  const saved = done === 0 ? 'no other volume was' : `${names.slice(0, done).join(', ')} was saved before it`;
  const left = names.slice(done + 1);
  const rest = left.length === 0 ? '' : `, and not saved: ${left.join(', ')}`;
  const { code, hint, message, retryable } = thrown;
  return new CachelaneError(code, `${names[done]} was not saved: ${message}; ${saved}${rest}`, {
    ...(hint === undefined ? {} : { hint }),
    retryable,
    cause: thrown,
  });
}

function inOrder<T>(all: readonly T[], order: readonly string[], targetOf: (each: T) => string): readonly T[] {
  return all.toSorted((a, b) => order.indexOf(targetOf(a)) - order.indexOf(targetOf(b)));
}

type Attached = Pick<VolumeSession | UnstoredVolume, 'planned' | 'choice'> & {
  readonly attached: Pick<VolumeSession['attached'], 'mount' | 'release'>;
};

function forkedVolume({ planned, choice, attached: { mount } }: Attached): ForkedVolume {
  invariant(mount.kind === 'directory', 'a fork is a directory');
  return { planned, choice, directory: mount.path, environment: planned.tool.redirect(mount.path) ?? {} };
}

/** The next start cleans up leftovers. */
async function releaseAll(attached: readonly Pick<Attached, 'attached'>[]): Promise<void> {
  for (const volume of attached) await volume.attached.release(neverAborted).catch(() => undefined);
}

function endInput({ mode, context, lanePolicy }: StrictRequest, ids: Ids, outcome: Exited): EndInput {
  const readOnly = context.canWrite ? null : context.why;
  return {
    ...ids,
    mode,
    purpose: 'run',
    lanePolicy,
    outcome,
    readOnly,
    inUse: false,
    strict: true,
    keepsFailed: !outcome.interrupted,
  };
}
