import {
  CachelaneError,
  type Clock,
  type HeadVersion,
  type Random,
  type Remote,
  type RemoteKey,
  bytesSource,
  limits,
  newAttempt,
  parseRemoteKey,
} from '@cachelane/core';
import { backOff } from '../../base/back-off.ts';
import { type RemoteCollection, collectionKey, decodeCollection, encodeCollection } from './remote-collection.ts';
import { withMend } from './remote-heads.ts';

export interface GuardDependencies {
  readonly remote: Remote;
  readonly clock: Clock;
  readonly random: Random;
}

export interface FoundCollection {
  /** Null: nobody ever collected there. */
  readonly collection: RemoteCollection | null;
  readonly version: HeadVersion | null;
}

export async function readCollection({ heads }: Remote, signal: AbortSignal): Promise<FoundCollection> {
  return await withMend(async () => {
    const head = await heads.read(collectionKey, signal);
    return head === undefined
      ? { collection: null, version: null }
      : { collection: decodeCollection(head.bytes), version: head.version };
  });
}

/** The new version; null where somebody else was first. */
export async function swapCollection(
  { remote, random }: GuardDependencies,
  expected: HeadVersion | null,
  collection: RemoteCollection,
  signal: AbortSignal,
): Promise<HeadVersion | null> {
  const attempt = newAttempt(random.bytes(16));
  const bytes = encodeCollection(collection);
  const outcome = await remote.heads.swap({ key: collectionKey, bytes, expected, attempt }, signal);
  return outcome.kind === 'moved' ? outcome.version : null;
}

/** Now, by the remote's own clock. */
export async function remoteNow({ remote, random }: GuardDependencies, signal: AbortSignal): Promise<number> {
  const { objects } = remote;
  const key: RemoteKey = parseRemoteKey(`clock/${newAttempt(random.bytes(16))}`);
  await objects.put(key, bytesSource(new TextEncoder().encode('now\n')), signal);
  const found = await objects.stat(key, signal);
  await objects.remove(key, signal);
  if (found === undefined)
    throw new CachelaneError('E_REMOTE_UNFIT', `${remote.name} does not show what was just stored`);
  return found.storedAtMs;
}

/**
 * The state of collections under which a push may count on what it puts, or finds: what that state has marked has to be stored anew, and after the last object the state
 * must still be the same. Waits while something is being deleted, and ends what a dead collector left. Errors: E_REMOTE_BUSY.
 */
export async function stillCollection(deps: GuardDependencies, signal: AbortSignal): Promise<FoundCollection> {
  for (let attempt = 0; attempt < limits.commitAttempts; attempt++) {
    const found = await readCollection(deps.remote, signal);
    if (found.collection?.phase !== 'deleting') return found;
    if (attempt === 0) await endDead(deps, found, signal);
    await backOff(deps, attempt, signal);
  }
  throw new CachelaneError('E_REMOTE_BUSY', `${deps.remote.name} is deleting what nobody needs`, {
    hint: 'the next run goes on',
    retryable: true,
  });
}

/** A collector stops by itself long before. What it did not come to is marked again another time. */
export async function endDead(
  deps: GuardDependencies,
  { collection, version }: FoundCollection,
  signal: AbortSignal,
): Promise<boolean> {
  if (collection?.phase !== 'deleting') return false;
  const nowMs = await remoteNow(deps, signal);
  // Of a time that is to come: the remote's clock was wrong.
  if (Math.abs(nowMs - collection.deletingAtMs) < limits.remoteDeadMs) return false;
  const ended = { phase: 'marked', markedAtMs: nowMs, deletingAtMs: 0, keys: [] } as const;
  return (await swapCollection(deps, version, ended, signal)) !== null;
}
