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
  /** Null: no collection has run there. */
  readonly collection: RemoteCollection | null;
  readonly version: HeadVersion | null;
}

export async function readCollection({ heads }: Remote, signal: AbortSignal): Promise<FoundCollection> {
  return await withMend(async () => {
    const head = await heads.read(collectionKey, signal);
    return head === undefined
      ? { collection: null, version: null }
      : { collection: decodeCollection(head.bytes), version: head.version };
  }, 'cachelane verify remote --repair removes it');
}

/** Returns the new version, or null if another client was first. */
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

/** Returns the remote's own time. */
export async function remoteNow({ remote, random }: GuardDependencies, signal: AbortSignal): Promise<number> {
  const { objects } = remote;
  const key: RemoteKey = parseRemoteKey(`clock/${newAttempt(random.bytes(16))}`);
  await objects.put(key, bytesSource(new TextEncoder().encode('now\n')), signal);
  const found = await objects.stat(key, signal);
  await objects.remove(key, signal);
  if (found === undefined)
    throw new CachelaneError('E_REMOTE_UNFIT', `${remote.name} does not show an object that was just stored`);
  return found.storedAtMs;
}

/**
 * Returns the collection state under which a push may rely on stored objects. The push must store marked objects again, and must check
 * after its last object that the state is unchanged. Waits for a running deletion, and ends a dead one. Errors: E_REMOTE_BUSY.
 */
export async function stillCollection(deps: GuardDependencies, signal: AbortSignal): Promise<FoundCollection> {
  for (let attempt = 0; attempt < limits.commitAttempts; attempt++) {
    const found = await readCollection(deps.remote, signal);
    if (found.collection?.phase !== 'deleting') return found;
    if (attempt === 0) await endDead(deps, found, signal);
    await backOff(deps, attempt, signal);
  }
  throw new CachelaneError('E_REMOTE_BUSY', `${deps.remote.name} is deleting unused objects`, {
    hint: 'try again in a minute; the next run does so too',
    retryable: true,
  });
}

/** Ends a deletion whose collector died; collectors stop themselves long before. A later collection marks the rest again. */
export async function endDead(
  deps: GuardDependencies,
  { collection, version }: FoundCollection,
  signal: AbortSignal,
): Promise<boolean> {
  if (collection?.phase !== 'deleting') return false;
  const nowMs = await remoteNow(deps, signal);
  // A time in the future means that the remote's clock was wrong.
  if (Math.abs(nowMs - collection.deletingAtMs) < limits.remoteDeadMs) return false;
  const ended = { phase: 'marked', markedAtMs: nowMs, deletingAtMs: 0, keys: [] } as const;
  return (await swapCollection(deps, version, ended, signal)) !== null;
}
