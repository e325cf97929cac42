import {
  asCachelaneError,
  CachelaneError,
  warningOf,
  type CommandOutcome,
  type RunReport,
  type VolumeReport,
} from '@cachelane/core';
import { heedCatalogs } from './heed-catalogs.ts';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { RunCommandRequest } from '../model/run-request.ts';
import { provideVolume, providingFor } from '../providers/provide-volume.ts';
import { coldReport, plannedCold } from '../sessions/volume-report.ts';
import { newIds } from '../model/session-input.ts';
import { runSession, type SessionResult } from '../sessions/run-session.ts';
import { requireStored } from '../sessions/unstored-volume.ts';
import { type PlannedVolume, isUnstored } from '../model/planned-volume.ts';
import { beginSync, endSync } from '../sync/run-sync.ts';
import { planVolume } from '../volumes/plan.ts';

/** The command's result and the report. */
export interface RunResult {
  readonly report: RunReport;
  /** Always `exited`: a run that cannot mount runs without its volumes. */
  readonly outcome: Extract<CommandOutcome, { kind: 'exited' }>;
}

/**
 * Runs the command once, with its volumes attached if possible. Problems become `warning` events, and the command runs without the affected
 * volumes. With `strict`, they throw. Without it, it throws only before the command started (for example, the store cannot be opened), so
 * that the caller can run the command without cache.
 */
export async function runCommand(deps: EngineDependencies, request: RunCommandRequest): Promise<RunResult> {
  const all = await planAll(deps, request);
  const { planned, refused } = await heedCatalogs(deps, request, all.planned);
  const reports = [...all.reports, ...refused];
  if (request.mode === 'none' || planned.length === 0) {
    const cold = planned.map((volume) => plannedCold(volume, 'mode none'));
    return result(request, await runBare(deps, request), [...reports, ...cold]);
  }
  const { outcome, volumes } = await runSynced(deps, request, planned);
  const told = [...reports, ...volumes];
  if (outcome.kind === 'exited') return result(request, outcome, told);
  const failure = new CachelaneError('E_MOUNT', `the volumes could not be mounted: ${outcome.reason}`, {
    hint: outcome.mend ?? 'run cachelane doctor to see what is missing',
  });
  if (request.strict) throw failure;
  deps.events(warningOf(failure, `${failure.message}; running without a cache`));
  return result(request, await runBare(deps, request), told);
}

/** Runs between a pull and a push. */
async function runSynced(
  deps: EngineDependencies,
  request: RunCommandRequest,
  all: readonly PlannedVolume[],
): Promise<Pick<SessionResult, 'outcome' | 'volumes'>> {
  const { sessionId, run: fresh } = newIds(deps);
  const run = request.run ?? fresh;
  const ids = { sessionId, run };
  const planned = all.filter((volume) => !isUnstored(volume));
  const unstored = all.filter(isUnstored);
  const begun = await beginSync(deps, request, { planned, run });
  const session = await runSession(deps, request, { all, planned, unstored }, ids);
  if (session.outcome.kind !== 'exited') return session;
  const { outcome, opened, volumes: reports } = session;
  return { outcome, volumes: await endSync(deps, request, begun, { run, opened, reports }) };
}

async function planAll(
  deps: EngineDependencies,
  request: RunCommandRequest,
): Promise<{ readonly planned: readonly PlannedVolume[]; readonly reports: readonly VolumeReport[] }> {
  const planned: PlannedVolume[] = [];
  const reports: VolumeReport[] = [];
  const place = providingFor(deps, request);
  for (const volume of request.volumes) {
    try {
      const provided =
        volume.provider === undefined ? volume : await provideVolume(deps, place, volume, request.signal);
      const plan = planVolume(deps.tools, request.context, request.environment, provided);
      if (request.purpose === 'prune') requireStored(plan);
      planned.push(plan);
    } catch (thrown) {
      if (request.strict || request.signal.aborted) throw thrown;
      const error = asCachelaneError(thrown);
      reports.push(coldReport(volume, volume.path ?? '', error.message));
      deps.events(warningOf(error));
    }
  }
  return { planned, reports };
}

async function runBare(deps: EngineDependencies, request: RunCommandRequest): Promise<RunResult['outcome']> {
  const outcome = await deps.runtime.run({
    argv: request.argv,
    cwd: request.cwd,
    env: request.env,
    mounts: [],
    leaseFile: null,
  });
  if (outcome.kind === 'not-started')
    throw new CachelaneError('E_INTERNAL', `a bare run did not start: ${outcome.reason}`);
  return outcome;
}

function result(
  request: RunCommandRequest,
  outcome: RunResult['outcome'],
  volumes: readonly VolumeReport[],
): RunResult {
  const { namespace, lane, trust } = request.context;
  return { outcome, report: { namespace, lane, trust, exitCode: outcome.exitCode, volumes } };
}
