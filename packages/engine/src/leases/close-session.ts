import { type SessionId, asCachelaneError, warningOf } from '@cachelane/core';
import { neverAborted } from '../base/never-aborted.ts';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { discardSession, removeTargets } from './mounters.ts';

/** Closes a session. Failures become warnings, because the command has run and recovery repairs the rest. Cannot be aborted. */
export async function closeSession(deps: EngineDependencies, id: SessionId): Promise<void> {
  try {
    await discardSession(deps.mounters, id, neverAborted);
    await deps.metadata.closeSession(id, (dirs) => removeTargets(deps.mounters, dirs), neverAborted);
  } catch (thrown) {
    const error = asCachelaneError(thrown);
    deps.events(warningOf(error, `the session was not closed properly: ${error.message}`));
  }
}
