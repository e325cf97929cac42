import {
  type CachelaneError,
  isCachelaneError,
  limits,
  warningOf,
  type EngineEvent,
  type Remote,
  type RemoteId,
  type RemoteKey,
} from '@cachelane/core';
import type { EngineDependencies } from '../../model/engine-dependencies.ts';
import type { RunCommandRequest } from '../../model/run-request.ts';
import { within } from '../../base/deadline.ts';
import { inParallel } from '../../base/in-parallel.ts';
import type { ReadTarget } from './note-uses.ts';
import { readRemoteId, readHead, requireSameTool } from '../heads/remote-heads.ts';
import type { SyncTarget } from '../heads/synced-volumes.ts';

export interface FoundHeads {
  readonly remoteId: RemoteId;
  /** Only heads that exist in the remote. */
  readonly heads: readonly ReadTarget[];
  readonly missing: ReadonlySet<RemoteKey>;
}

/** `remoteId` is null if no client has written to the remote yet. */
export async function readHeads(
  { clock, events }: EngineDependencies,
  { signal, remoteWaitMs }: Pick<RunCommandRequest, 'signal' | 'remoteWaitMs'>,
  { remote, targets }: { readonly remote: Remote; readonly targets: readonly SyncTarget[] },
): Promise<FoundHeads | null> {
  const limitMs = Math.min(limits.remoteAnswerMs, remoteWaitMs);
  return await within({ clock, limitMs, late: `${remote.name} did not answer` }, signal, async (stop) => {
    const heads: (ReadTarget | undefined)[] = [];
    const missing = new Set<RemoteKey>();
    const damaged: EngineEvent[] = [];
    const about = readRemoteId(remote, stop);
    // Its error is thrown below; this avoids an unhandled rejection.
    about.catch(() => undefined);
    await inParallel([...targets.entries()], limits.remoteParallelCalls, async ([index, target]) => {
      try {
        const found = await readHead(remote, target.key, target.name, stop);
        if (found.manifest === null) {
          missing.add(target.key);
          return;
        }
        requireSameTool(found.manifest, target.planned.tool.name);
        heads[index] = { target, found };
      } catch (error) {
        if (!isAboutHead(error)) throw error;
        const { volume, lane } = target.name;
        damaged.push(warningOf(error, `${volume} on lane ${lane} of ${remote.name} is left out: ${error.message}`));
      }
    });
    // If the remote itself is unusable, throw that error only.
    const remoteId = await about;
    for (const event of damaged) events(event);
    return remoteId === null ? null : { remoteId, missing, heads: heads.filter((each) => each !== undefined) };
  });
}

/** Whether an error concerns this head only. A newer cachelane may have written it. */
function isAboutHead(error: unknown): error is CachelaneError {
  return isCachelaneError(error, 'E_OBJECT_CORRUPT', 'E_REMOTE_UNFIT', 'E_VOLUME');
}
