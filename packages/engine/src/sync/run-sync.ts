import type { OpenedVolume, Remote, RunId, VolumeReport } from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';
import { fedVolumes } from './fed-volumes.ts';
import { finishRevocations, type RunToBegin } from './finish-revocations.ts';
import { pullVolumes, type Pulled } from './pull/pull-volumes.ts';
import { pushVolumes } from './push/push-volumes.ts';
import { withSync } from './sync-report.ts';

export type SyncRequest = Parameters<typeof pullVolumes>[1] & Parameters<typeof pushVolumes>[1];

/** What came before a run, for what goes after it. */
export interface BegunSync {
  readonly remote: Remote;
  readonly pulled: Pulled;
  readonly pullMs: number;
}

/** What other machines have of the volumes, before a run opens its session, and without what was revoked; null without a remote. Errors: with `strict`, those of the remote, and of what is taken out here. */
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

/** What the run saved, for other machines; the reports with what went over the network. */
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
