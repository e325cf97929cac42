import type { OpenedVolume, Remote, RunId, VolumeReport } from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';
import { fedVolumes } from './fed-volumes.ts';
import { finishRevocations, type RunToBegin } from './finish-revocations.ts';
import { pullVolumes, type Pulled } from './pull/pull-volumes.ts';
import { pushVolumes } from './push/push-volumes.ts';
import { withSync } from './sync-report.ts';

export type SyncRequest = Parameters<typeof pullVolumes>[1] & Parameters<typeof pushVolumes>[1];

/** What a pull found, for the push after the run. */
export interface BegunSync {
  readonly remote: Remote;
  readonly pulled: Pulled;
  readonly pullMs: number;
}

/**
 * Pulls the volumes and removes revoked runs before a session opens. Returns null without a remote. With `strict`, throws errors of the
 * remote and of the removal.
 */
export async function beginSync(
  deps: EngineDependencies,
  request: SyncRequest,
  run: RunToBegin,
): Promise<BegunSync | null> {
  const { remote } = deps;
  const [pulled, pullMs] = await timed(deps, async () => {
    const done = remote === null ? null : await pullVolumes(deps, request, { remote, ...run });
    await finishRevocations(deps, request, run);
    return done;
  });
  return remote === null || pulled === null ? null : { remote, pulled, pullMs };
}

export interface EndedRun {
  readonly run: RunId;
  readonly opened: readonly (OpenedVolume & { readonly planned: PlannedVolume })[];
  readonly reports: readonly VolumeReport[];
}

/** Pushes what the run saved. Returns the reports with the transfers. */
export async function endSync(
  deps: EngineDependencies,
  request: SyncRequest,
  begun: BegunSync | null,
  { run, opened, reports }: EndedRun,
): Promise<readonly VolumeReport[]> {
  if (begun === null) return reports;
  const { remote, pulled, pullMs } = begun;
  const { remoteId, missing, isGone: wasGone } = pulled;
  const fed = await fedVolumes(deps, { opened, reports });
  const push = { remote, remoteId, missing, wasGone, volumes: [...opened, ...fed], run };
  const [pushed, pushMs] = await timed(deps, () => pushVolumes(deps, request, push));
  return await withSync(deps, reports, { remote: remote.name, opened, fed, pulled, pullMs, pushed, pushMs });
}

async function timed<T>({ clock }: EngineDependencies, act: () => Promise<T>): Promise<readonly [T, number]> {
  const startedMs = clock.monotonicMs();
  return [await act(), clock.monotonicMs() - startedMs];
}
