import { limits, type RunPlace } from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { RunCommandRequest } from '../model/run-request.ts';

/** Ends processes that outlive the command, unless the user asked to leave them. Returns whether any is left. */
export async function settleLeftovers(
  deps: EngineDependencies,
  request: Pick<RunCommandRequest, 'leaveProcesses'>,
  place: RunPlace,
): Promise<boolean> {
  const processes = await deps.runtime.survivors(place);
  if (processes.length === 0) return false;
  if (request.leaveProcesses) {
    deps.events({ type: 'leftovers', processes, action: 'left' });
    return true;
  }
  deps.events({ type: 'leftovers', processes, action: 'ending' });
  const left = await deps.runtime.endSurvivors(place, limits.leftoverGraceMs);
  deps.events(
    left.length === 0
      ? { type: 'leftovers', processes, action: 'ended' }
      : { type: 'leftovers', processes: left, action: 'left' },
  );
  return left.length > 0;
}
