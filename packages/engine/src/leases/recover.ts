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

/** What it takes to tell whether a session lives. */
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

/**
 * Sessions that nobody lives in any more: client gone, command gone, nothing left in the command's mount namespace. A session of an
 * earlier boot is dead whatever its files say.
 */
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

/** Whether its client, its command or anything that this left behind lives. */
export async function isAlive(deps: LifeDependencies, session: SessionRecord, signal: AbortSignal): Promise<boolean> {
  if (session.bootId !== deps.bootId) return false;
  if (await deps.leases.isHeld(session.id, signal)) return true;
  // A process may have closed the inherited lease (daemons close all they did not open): its mount namespace still tells.
  return session.place !== null && (await deps.runtime.survivors({ token: session.place })).length > 0;
}

/** Repairs what killed runs left behind: their changes are discarded, their pins and mount points freed. */
export async function recover(deps: RecoverDependencies, own: SessionId | null, signal: AbortSignal): Promise<number> {
  for (const id of await unknownSessions(deps, signal)) {
    await orWarn(deps, 'a session that nobody knows', async () => await discardSession(deps.mounters, id, signal));
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

/** What cannot be cleared away must not take the cache from every later run. */
async function orWarn({ events }: RecoverDependencies, whose: string, clear: () => Promise<void>): Promise<void> {
  try {
    await clear();
  } catch (thrown) {
    const error = asCachelaneError(thrown);
    events(warningOf(error, `what ${whose} left behind could not be cleared away: ${error.message}`));
  }
}

/** A session is recorded before anything is attached for it: what is noted for others (a power cut took the record) is nobody's. */
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
