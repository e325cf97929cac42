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

/** As a run's request, but for what only a command has. */
export type ForkRequest = Omit<
  RunCommandRequest,
  'argv' | 'env' | 'purpose' | 'mounter' | 'leaveProcesses' | 'strict' | 'run'
> & {
  /** See `AttachRequest`: for a client that gives the directories to commands, whose processes are seen. */
  readonly samePath: boolean;
};

export interface ForkedVolume {
  readonly planned: PlannedVolume;
  readonly choice: MounterChoice;
  /** Absolute directory with the volume's contents, for the client to work in. */
  readonly directory: string;
  /** What makes the tool look there; empty where it has no setting for it. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Views that a program works in by itself, without a command of ours: a directory for each volume. Nothing of it is seen by anybody else until it is committed, but for volumes whose
 * sharing is SHARED. Its lease is this process's: where that dies, the next start discards it, as a run that was killed.
 */
export interface Fork {
  readonly sessionId: SessionId;
  readonly run: RunId;
  readonly volumes: readonly ForkedVolume[];
  /** Whether it can be committed or discarded: until one of them was done. */
  readonly isOpen: boolean;
  /**
   * Saves what was changed, as after a command that ended by itself with this exit code, and ends the fork: with another one than 0 only what its tool leaves complete whatever becomes of a command. Errors: those of a strict save, which say what was saved before. The fork is open still then, with what was not saved in its directories: asked again, it goes on where it
   * failed. But what a shared directory has is not its own any more: the next run there saves it.
   */
  commit(exitCode?: number): Promise<readonly VolumeReport[]>;
  /** Ends the fork; what was changed is gone. Idempotent, and nothing where it has ended. */
  discard(): Promise<void>;
}

/** Why a directory and no mount: nobody of ours starts the process that is to see it. */
const noCommand = 'no command of ours sees mounts there: the volume is a directory';

type Exited = Extract<CommandOutcome, { kind: 'exited' }>;

/** The work is done by a client that says itself whether it ended well: as a command that did, or as one that was interrupted. */
const endedWell: Exited = { kind: 'exited', exitCode: 0, interrupted: false, receivedSignal: null };
const discarded: Exited = { ...endedWell, exitCode: 1, interrupted: true };

/** Nothing fails open here: a client that asked for a volume and has none, or one without its seed, must know. Errors: E_VOLUME, E_USAGE, E_NOT_FOUND, E_LOCKED, E_MOUNT, and those of store and remote. */
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
    // Nothing is mounted and nothing laid anywhere: nobody has to be told to keep away.
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

/** A directory of the machine is the fork's as it is: what is done there is done. */
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
  /** Targets, as they were asked for. */
  readonly order: readonly string[];
  readonly lease: Lease;
  readonly begun: BegunSync | null;
}

function forkOf(deps: EngineDependencies, request: StrictRequest, open: Open): Fork {
  const { ids, opened, attached, beside, order, lease, begun } = open;
  let state: 'open' | 'ending' | 'ended' = 'open';
  /** Of volumes that have ended, in their order. */
  const reports: VolumeReport[] = [];
  const close = async (): Promise<void> => {
    state = 'ended';
    // Whatever goes wrong: as long as this process has the lease, no other one cleans up.
    await using _ = lease;
    await releaseAll([...attached, ...beside]);
    await closeSession(deps, ids.sessionId);
  };
  const save = async (exitCode: number): Promise<void> => {
    state = 'ending';
    try {
      // That the whole store is gone says more than that a directory in it is.
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

/** What failed may have a reason that passes, or that somebody can put right: the work is there until it is given up. */
function stillOpen(thrown: unknown): unknown {
  if (!isCachelaneError(thrown)) return thrown;
  const { code, message, retryable } = thrown;
  // What was removed stays removed, however often it is committed.
  const what = code === 'E_NOT_FOUND' ? 'discard it' : 'commit it again, or discard it';
  const hint = [thrown.hint, `the fork is open still: ${what}`].filter(Boolean).join('; ');
  return new CachelaneError(code, message, { hint, retryable, cause: thrown.cause ?? thrown });
}

/** Of several volumes the error says what became of each. */
function inPart(thrown: unknown, attached: readonly VolumeSession[], done: number): unknown {
  if (attached.length < 2 || !isCachelaneError(thrown)) return thrown;
  const names = attached.map(({ planned }) => planned.request.name);
  const saved = done === 0 ? 'no other one was' : `${names.slice(0, done).join(', ')} was saved before it`;
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

/** What stays behind is swept by the next start. */
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
