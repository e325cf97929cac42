import { type SessionId, asCachelaneError, warningOf } from '@cachelane/core';
import { neverAborted } from '../base/never-aborted.ts';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { discardSession, removeTargets } from './mounters.ts';

/**
 * The command has run by now, or an error is on its way: what fails here is told, and the next start repairs it. Nobody aborts it: tidying up is
 * what a person who presses Ctrl-C expects.
 */
export async function closeSession(deps: EngineDependencies, id: SessionId): Promise<void> {
  try {
    await discardSession(deps.mounters, id, neverAborted);
    await deps.metadata.closeSession(id, (dirs) => removeTargets(deps.mounters, dirs), neverAborted);
  } catch (thrown) {
    const error = asCachelaneError(thrown);
    deps.events(warningOf(error, `the session was not closed properly: ${error.message}`));
  }
}
