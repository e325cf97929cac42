import {
  CachelaneError,
  type OpenSessionRequest,
  type OpenedSession,
  isCachelaneError,
  limits,
  newId,
} from '@cachelane/core';
import { noteDefinitionUses } from '../catalogs/note-uses.ts';
import { mayLock } from '../leases/mounters.ts';
import { recover } from '../leases/recover.ts';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';
import type { Ids, SessionInput } from '../model/session-input.ts';
import { shownName } from '../providers/provider-report.ts';
import { laidOn, seedVolumes, takesSeeds } from '../seeds/session-seeds.ts';
import { toOpenVolume } from '../volumes/plan.ts';

interface Opening extends Ids {
  /** Whether a command of the run sees the volumes. */
  readonly attaches: boolean;
  /** Volumes outside the store that the command sees too. */
  readonly unstored?: readonly PlannedVolume[];
}

export async function openSession(
  deps: EngineDependencies,
  request: SessionInput,
  planned: readonly PlannedVolume[],
  ids: Opening,
): Promise<OpenedSession> {
  const { context } = request;
  const all = [...planned, ...(ids.unstored ?? [])];
  const { namespace, localNamespace, adoptFrom } = context;
  const atMs = deps.clock.nowMs();
  const mayWrite = mayLock({ mode: request.mode, canWrite: context.canWrite });
  const seeds = ids.attaches && takesSeeds(request) ? await seedVolumes(deps, request, planned) : [];
  const opening = await openWhenUnlocked(deps, request, {
    sessionId: ids.sessionId,
    run: {
      id: ids.run,
      lane: context.lane,
      startedAtMs: atMs,
      revision: request.revision,
      workflow: request.workflow,
      purpose: request.purpose,
    },
    namespace,
    freshNamespaceId: newId('namespace', deps.random.bytes(16)),
    // A namespace given for one command says nothing about the directory.
    directory: adoptFrom !== null || namespace === localNamespace ? request.directory : null,
    adoptFrom,
    mayWrite,
    reads: request.mode !== 'write-only' && ids.attaches,
    defaultLane: context.defaultLane,
    ...(request.lanePolicy === undefined ? {} : { lanePolicy: request.lanePolicy }),
    volumes: [
      ...planned.map((volume) => toOpenVolume(volume, deps.random, mayWrite)),
      ...seeds.map(({ open }) => open),
    ],
    targets: all.map(({ target }) => target),
    bootId: deps.bootId,
    atMs,
  });
  const opened = laidOn(opening, seeds);
  await noteDefinitionUses(deps, { planned, opened }, request.signal);
  if (opened.adopted) deps.events({ type: 'namespace-adopted', from: localNamespace, to: namespace });
  deps.events({
    type: 'session-opened',
    namespace,
    lane: context.lane,
    trust: context.trust,
    readChain: context.readChain,
    canWrite: context.canWrite,
    why: context.why,
    volumes: all.map(({ request: volume, target }) => ({ name: shownName(volume), path: target })),
    run: ids.run,
  });
  return opened;
}

/** Waits for runs that hold locks, and recovers dead ones. */
async function openWhenUnlocked(
  deps: EngineDependencies,
  request: SessionInput,
  open: OpenSessionRequest,
): Promise<OpenedSession> {
  const { signal, lockWaitMs: limitMs, strict: thenFails } = request;
  const startedMs = deps.clock.monotonicMs();
  let told = '';
  let wasLate = false;
  for (;;) {
    try {
      return await deps.metadata.openSession(open, signal);
    } catch (error) {
      if (!isCachelaneError(error, 'E_LOCKED')) throw error;
      const isLate = deps.clock.monotonicMs() - startedMs >= limitMs;
      // Recover at least once, even without waiting. Only once when late, since recovery may fail to free the lock.
      const freed = wasLate ? 0 : await recover(deps, open.sessionId, signal);
      if (isLate && freed === 0) throw waitedInVain(error, request);
      wasLate = isLate;
      if (!isLate && error.message !== told)
        deps.events({ type: 'waiting', message: error.message, limitMs, thenFails });
      told = error.message;
      if (freed === 0) await deps.clock.sleep(limits.lockPollMs, signal);
    }
  }
}

function waitedInVain(error: CachelaneError, { lockWaitMs, strict }: SessionInput): CachelaneError {
  const waited = lockWaitMs === 0 ? 'and this run does not wait' : `and was not free after ${lockWaitMs / 1000} s`;
  const longer = '--lock-timeout SECONDS sets how long a run waits';
  return new CachelaneError('E_LOCKED', `${error.message}, ${waited}`, {
    hint: strict ? longer : `${longer}. With --strict, the run fails instead`,
    retryable: true,
    cause: error,
  });
}
