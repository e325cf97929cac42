import {
  asCachelaneError,
  warningOf,
  type EventSink,
  type LeaseStore,
  type Metadata,
  type Mounters,
  type Runtime,
  type SessionId,
  type SessionRecord,
} from '@cachelane/core';
import { discardSession, removeTargets } from './mounters.ts';

export interface LifeDependencies {
  readonly runtime: Runtime;
  readonly leases: LeaseStore;
  readonly bootId: string;
}

export interface RecoverDependencies extends LifeDependencies {
  readonly metadata: Metadata;
  readonly mounters: Mounters;
  readonly events: EventSink;
}

/** Returns sessions whose client and command have ended, with no process left in the mount namespace. Sessions of an earlier boot are dead. */
export async function deadSessions(
  deps: RecoverDependencies,
  own: SessionId | null,
  signal: AbortSignal,
): Promise<readonly SessionRecord[]> {
  const dead: SessionRecord[] = [];
  for (const session of await deps.metadata.listSessions(signal)) {
    if (session.id !== own && !(await isAlive(deps, session, signal))) dead.push(session);
  }
  return dead;
}

/** Returns whether the client, the command or a leftover process lives. */
export async function isAlive(deps: LifeDependencies, session: SessionRecord, signal: AbortSignal): Promise<boolean> {
  if (session.bootId !== deps.bootId) return false;
  if (await deps.leases.isHeld(session.id, signal)) return true;
  // Daemons close inherited leases, so the mount namespace is checked too.
  return session.place !== null && (await deps.runtime.survivors({ token: session.place })).length > 0;
}

/** Repairs what killed runs left: discards their changes, frees pins and mount points. */
export async function recover(deps: RecoverDependencies, own: SessionId | null, signal: AbortSignal): Promise<number> {
  for (const id of await unknownSessions(deps, signal)) {
    await orWarn(deps, 'an unknown session', async () => await discardSession(deps.mounters, id, signal));
  }
  const dead = await deadSessions(deps, own, signal);
  for (const session of dead) {
    await orWarn(deps, session.run, async () => {
      await discardSession(deps.mounters, session.id, signal);
      await deps.metadata.closeSession(session.id, (dirs) => removeTargets(deps.mounters, dirs), signal);
    });
  }
  return dead.length;
}

/** A clean-up that fails must not disable the cache for every later run. */
async function orWarn({ events }: RecoverDependencies, whose: string, clear: () => Promise<void>): Promise<void> {
  try {
    await clear();
  } catch (thrown) {
    const error = asCachelaneError(thrown);
    events(warningOf(error, `files of ${whose} could not be removed: ${error.message}`));
  }
}

/** A session is recorded before anything is attached. Files of unrecorded sessions (after a power cut) can be removed. */
async function unknownSessions(
  { metadata, mounters }: RecoverDependencies,
  signal: AbortSignal,
): Promise<readonly SessionId[]> {
  const noted: SessionId[] = [];
  for (const mounter of new Set(Object.values(mounters))) noted.push(...(await mounter.sessions(signal)));
  if (noted.length === 0) return [];
  const known = new Set((await metadata.listSessions(signal)).map(({ id }) => id));
  return [...new Set(noted)].filter((id) => !known.has(id));
}
