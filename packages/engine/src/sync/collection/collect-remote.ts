import {
  type Clock,
  type HeadManifest,
  type HeadName,
  type HeadVersion,
  type ListedObject,
  type Policy,
  type PolicyKey,
  type Random,
  type Remote,
  type RemoteKey,
  encodeManifest,
  lifetimeOf,
  limits,
  newAttempt,
} from '@cachelane/core';
import type { OnProgress } from '../../model/progress-update.ts';
import { type FoundCollection, endDead, readCollection, remoteNow, swapCollection } from '../heads/collection-guard.ts';
import { headKeys, lastMoveOf, manifestAt } from '../heads/listed-heads.ts';
import { objectsOf, useKey } from '../heads/remote-collection.ts';
import { withMend } from '../heads/remote-heads.ts';

export interface RemoteCollectDependencies {
  readonly remote: Remote;
  readonly clock: Clock;
  readonly random: Random;
}

interface IdleHead {
  readonly name: HeadName;
  readonly policy: PolicyKey;
  readonly usedAtMs: number;
}

export interface RemoteGarbage {
  /** Heads that no run used for their lane's lifetime. */
  readonly heads: readonly IdleHead[];
  /** Deleted objects: no head has named them for a day. */
  readonly deleted: readonly ListedObject[];
  /** Objects that no head names. A collection a day later deletes them. */
  readonly marked: readonly ListedObject[];
  /** Removed uploads of clients that died. */
  readonly swept: number;
  /** Another collection is running; nothing was deleted or marked. */
  readonly isBusy: boolean;
}

export interface RemoteCollectOptions {
  /** Returns the policy of a head. It keeps heads at least as long as the defaults. */
  readonly policyOf: (name: HeadName) => Policy;
  readonly dryRun: boolean;
  /** Do nothing if a collection ran in the last day. */
  readonly onlyIfDue: boolean;
  /** Replaces the times of `limits` in tests against real servers. */
  readonly grace?: RemoteGrace;
  readonly onProgress?: OnProgress;
}

interface RemoteGrace {
  readonly markMs: number;
  readonly objectMs: number;
  readonly clockStepMs: number;
}

const usualGrace: RemoteGrace = {
  markMs: limits.remoteMarkGraceMs,
  objectMs: limits.remoteObjectGraceMs,
  clockStepMs: limits.remoteClockStepMs,
};

const nothing: RemoteGarbage = { heads: [], deleted: [], marked: [], swept: 0, isBusy: false };

async function isDue(remote: Remote, nowMs: number, signal: AbortSignal): Promise<boolean> {
  const { collection } = await readCollection(remote, signal);
  // A time in the future means that the remote's clock was wrong.
  return collection === null || Math.abs(nowMs - collection.markedAtMs) >= limits.remoteCollectEveryMs;
}

/**
 * Deletes idle heads from a remote, and objects that no head names. Objects are marked a day before they are deleted
 * (docs/explanation/sync.md, "Collection"). Errors: those of the remote; E_OBJECT_CORRUPT if a head cannot be read.
 */
export async function collectRemote(
  given: RemoteCollectDependencies,
  options: RemoteCollectOptions,
  signal: AbortSignal,
): Promise<RemoteGarbage> {
  const deps: Collecting = { ...given, grace: options.grace ?? usualGrace, onProgress: options.onProgress };
  const { remote } = deps;
  // A dry run must not write, and reading the remote's clock needs a write.
  const nowMs = options.dryRun ? deps.clock.nowMs() : await remoteNow(deps, signal);
  if (options.onlyIfDue && !(await isDue(remote, nowMs, signal))) return nothing;
  const heads = await idleHeads(deps, options, nowMs, signal);
  const evicted = options.dryRun ? heads.map(({ idle }) => idle) : await evictAll(deps, heads, signal);
  const objects = await collectObjects(deps, options.dryRun ? heads.map(({ key }) => key) : null, signal);
  const swept = options.dryRun ? 0 : await remote.objects.sweep(signal);
  return { heads: evicted, ...objects, swept };
}

interface FoundIdle {
  readonly key: RemoteKey;
  readonly version: HeadVersion;
  readonly manifest: HeadManifest;
  readonly idle: IdleHead;
}

async function idleHeads(
  { remote }: RemoteCollectDependencies,
  { policyOf, onProgress }: RemoteCollectOptions,
  nowMs: number,
  signal: AbortSignal,
): Promise<readonly FoundIdle[]> {
  const found: FoundIdle[] = [];
  let done = 0;
  for await (const key of headKeys(remote, signal)) {
    onProgress?.({ activity: 'reading heads', done: done++, total: null, unit: 'heads' });
    const head = await withMend(async () => await remote.heads.read(key, signal));
    if (head === undefined) continue;
    const manifest = await withMend(async () => await Promise.resolve(manifestAt(key, head)));
    const { namespace, volume, compat, lane } = manifest;
    // An empty head tells other machines what was removed.
    if (manifest.layers.length === 0) continue;
    const name = { namespace, volume, compat, lane };
    const policy = lifetimeOf(lane, null);
    const lives = policyOf(name)[policy].value;
    const movedAtMs = lastMoveOf(manifest);
    if (movedAtMs > nowMs - lives) continue;
    const use = await remote.objects.stat(useKey(key), signal);
    const usedAtMs = Math.max(movedAtMs, use?.storedAtMs ?? 0);
    if (usedAtMs <= nowMs - lives)
      found.push({ key, version: head.version, manifest, idle: { name, policy, usedAtMs } });
  }
  return found;
}

/** Deletes heads that have not moved since. A head with revocations stays, empty, so that an offline machine does not bring the runs back. */
async function evictAll(
  { remote, random }: RemoteCollectDependencies,
  heads: readonly FoundIdle[],
  signal: AbortSignal,
): Promise<readonly IdleHead[]> {
  const gone: IdleHead[] = [];
  for (const { key, version: expected, manifest, idle } of heads) {
    const move = { key, expected, attempt: newAttempt(random.bytes(16)) };
    const empty = { ...manifest, layers: [], runs: [], squashes: [] };
    const outcome =
      manifest.revoked.length === 0
        ? await remote.heads.remove(move, signal)
        : await remote.heads.swap({ ...move, bytes: encodeManifest(empty) }, signal);
    if (outcome.kind !== 'removed' && outcome.kind !== 'moved') continue;
    await remote.objects.remove(useKey(key), signal);
    gone.push(idle);
  }
  return gone;
}

interface Collecting extends RemoteCollectDependencies {
  readonly grace: RemoteGrace;
  readonly onProgress: OnProgress | undefined;
}

type Objects = Pick<RemoteGarbage, 'deleted' | 'marked' | 'isBusy'>;

const busy: Objects = { deleted: [], marked: [], isBusy: true };

/** `without`: the heads that a dry run treats as deleted. */
async function collectObjects(
  deps: Collecting,
  without: readonly RemoteKey[] | null,
  signal: AbortSignal,
): Promise<Objects> {
  const { remote } = deps;
  let found = await readCollection(remote, signal);
  if (found.collection?.phase === 'deleting') {
    if (without !== null || !(await endDead(deps, found, signal))) return busy;
    found = await readCollection(remote, signal);
  }
  // Take the time before listing: objects stored after it are not considered.
  const nowMs = without === null ? await remoteNow(deps, signal) : deps.clock.nowMs();
  const isDue = found.collection !== null && nowMs - found.collection.markedAtMs >= deps.grace.markMs;
  if (without !== null) return await wouldCollect(deps, { found, isDue, without, nowMs }, signal);
  const isToCome = found.collection !== null && found.collection.markedAtMs - nowMs >= deps.grace.markMs;
  if (found.collection !== null && found.collection.keys.length > 0 && !isDue && !isToCome) {
    return { deleted: [], marked: [], isBusy: false };
  }
  const deleted: ListedObject[] = [];
  if (isDue && found.collection !== null && found.collection.keys.length > 0) {
    const { version, isOver } = await deleteMarked(deps, { found, nowMs, deleted }, signal);
    if (version === null) return busy;
    if (!isOver) return { deleted, marked: [], isBusy: false };
    found = { collection: found.collection, version };
  }
  const marked = await unnamed(deps, { nowMs, without: [] }, signal);
  const next = { phase: 'marked', markedAtMs: nowMs, deletingAtMs: 0, keys: marked.map(({ key }) => key) } as const;
  const version = await swapCollection(deps, found.version, next, signal);
  return version === null ? busy : { deleted, marked, isBusy: false };
}

interface Deletion {
  readonly found: FoundCollection;
  readonly nowMs: number;
  readonly deleted: ListedObject[];
}

/**
 * Announces the deletion before it reads the heads, so that no push counts on an object it deletes. `version` is null if another collection
 * was first. `isOver` is false if a deletion's outcome is unknown or time ran out; the state then stays until another client ends it.
 */
async function deleteMarked(
  deps: Collecting,
  { found, nowMs, deleted }: Deletion,
  signal: AbortSignal,
): Promise<{ readonly version: HeadVersion | null; readonly isOver: boolean }> {
  const { remote, clock, onProgress } = deps;
  const { collection } = found;
  if (collection === null) return { version: found.version, isOver: true };
  const elapsedMs = stopwatch(clock);
  const version = await swapCollection(
    deps,
    found.version,
    { ...collection, phase: 'deleting', deletingAtMs: nowMs },
    signal,
  );
  if (version === null) return { version, isOver: false };
  // Wait until a push that just ended is visible.
  if (remote.lagMs > 0) await clock.sleep(remote.lagMs, signal);
  const named = await namedObjects(remote, [], signal);
  const listedMs = elapsedMs();
  for (const [done, key] of collection.keys.entries()) {
    onProgress?.({ activity: 'deleting', done, total: collection.keys.length, unit: 'objects' });
    if (named.has(key)) continue;
    const stat = await remote.objects.stat(key, signal);
    if (stat === undefined || stat.storedAtMs > collection.markedAtMs - deps.grace.clockStepMs) continue;
    // Stop long before other clients consider this collection dead.
    if (elapsedMs() > Math.min(listedMs + limits.remoteDeletingMs, limits.remoteDeadMs / 2)) break;
    await remote.objects.remove(key, signal);
    const { sizeBytes, storedAtMs } = stat;
    deleted.push({ key, sizeBytes, storedAtMs });
  }
  return { version, isOver: true };
}

/** Returns elapsed milliseconds. A sleeping machine stops its monotonic clock, and the wall clock may be set back, so this takes the larger. */
function stopwatch(clock: Clock): () => number {
  const [monotonicMs, wallMs] = [clock.monotonicMs(), clock.nowMs()];
  return () => Math.max(clock.monotonicMs() - monotonicMs, clock.nowMs() - wallMs);
}

async function namedObjects(
  remote: Remote,
  without: readonly RemoteKey[],
  signal: AbortSignal,
): Promise<ReadonlySet<RemoteKey>> {
  const named = new Set<RemoteKey>();
  for await (const key of headKeys(remote, signal)) {
    if (without.includes(key)) continue;
    const manifest = await withMend(async () => {
      const head = await remote.heads.read(key, signal);
      return head === undefined ? null : manifestAt(key, head);
    });
    for (const object of manifest === null ? [] : objectsOf(manifest)) named.add(object);
    named.add(useKey(key));
  }
  return named;
}

interface Look {
  readonly nowMs: number;
  readonly without: readonly RemoteKey[];
}

/** Returns objects that no head names and that are too old for a push to be about to name. */
async function unnamed(
  { remote, grace, onProgress }: Collecting,
  { nowMs, without }: Look,
  signal: AbortSignal,
): Promise<readonly ListedObject[]> {
  const named = await namedObjects(remote, without, signal);
  const found: ListedObject[] = [];
  let done = 0;
  for (let after: RemoteKey | undefined; ;) {
    const { objects, more } = await remote.objects.list('', after === undefined ? {} : { after }, signal);
    done += objects.length;
    onProgress?.({ activity: 'listing', done, total: null, unit: 'objects' });
    for (const object of objects) {
      if (!named.has(object.key) && object.storedAtMs <= nowMs - grace.objectMs) found.push(object);
      if (found.length === limits.remoteMarkedObjects) return found;
    }
    after = objects.at(-1)?.key;
    if (!more || after === undefined) return found;
  }
}

async function wouldCollect(
  deps: Collecting,
  { found, isDue, without, nowMs }: Look & { readonly found: FoundCollection; readonly isDue: boolean },
  signal: AbortSignal,
): Promise<Objects> {
  const all = await unnamed(deps, { nowMs, without }, signal);
  const keys = new Set(isDue ? found.collection?.keys : []);
  const markedAtMs = found.collection?.markedAtMs ?? 0;
  const goes = ({ key, storedAtMs }: ListedObject): boolean =>
    keys.has(key) && storedAtMs <= markedAtMs - deps.grace.clockStepMs;
  return { deleted: all.filter(goes), marked: all.filter((object) => !goes(object)), isBusy: false };
}
