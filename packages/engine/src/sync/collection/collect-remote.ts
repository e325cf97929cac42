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
  /** Heads that nobody used for as long as their lane lives. */
  readonly heads: readonly IdleHead[];
  /** Objects that were deleted: no head named them a day ago, and none does now. */
  readonly deleted: readonly ListedObject[];
  /** Objects that no head names: they go with a collection that begins a day from now or later. */
  readonly marked: readonly ListedObject[];
  /** Uploads of writers that died. */
  readonly swept: number;
  /** Another collection is at work: nothing was deleted or marked. */
  readonly isBusy: boolean;
}

export interface RemoteCollectOptions {
  /** What holds for heads of a name, at least as long as the defaults. */
  readonly policyOf: (name: HeadName) => Policy;
  readonly dryRun: boolean;
  /** Nothing is looked at where somebody collected in the last day. */
  readonly onlyIfDue: boolean;
  /** Other times than those of `limits`, for servers whose clocks nobody can turn. */
  readonly grace?: RemoteGrace;
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
  // Of a time that is to come: the remote's clock was wrong.
  return collection === null || Math.abs(nowMs - collection.markedAtMs) >= limits.remoteCollectEveryMs;
}

/**
 * Takes idle heads out of a remote, and objects that no head names. A push that finds an object there and counts on it, and a collection that deletes it, never meet
 * (docs/explanation/sync.md, "Collection"): objects are marked a day before they go; whoever counts on a marked one stores it anew; what was stored since, or is named, stays. Errors: those
 * of the remote; E_OBJECT_CORRUPT where a head cannot be read: what it names is not known.
 */
export async function collectRemote(
  given: RemoteCollectDependencies,
  options: RemoteCollectOptions,
  signal: AbortSignal,
): Promise<RemoteGarbage> {
  const deps: Collecting = { ...given, grace: options.grace ?? usualGrace };
  const { remote } = deps;
  // A dry run writes nothing, not even to see what time it is there.
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
  { policyOf }: RemoteCollectOptions,
  nowMs: number,
  signal: AbortSignal,
): Promise<readonly FoundIdle[]> {
  const found: FoundIdle[] = [];
  for await (const key of headKeys(remote, signal)) {
    const head = await withMend(async () => await remote.heads.read(key, signal));
    if (head === undefined) continue;
    const manifest = await withMend(async () => await Promise.resolve(manifestAt(key, head)));
    const { namespace, volume, compat, lane } = manifest;
    // An empty one tells others what was taken out.
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

/** One that moved since stays. Of one that says who is revoked that is left: a machine that was away must not bring it back. */
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
}

type Objects = Pick<RemoteGarbage, 'deleted' | 'marked' | 'isBusy'>;

const busy: Objects = { deleted: [], marked: [], isBusy: true };

/** `without`: a dry run, as if these heads were gone. */
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
  // Before anything is listed: what is stored from now on is not what is looked at.
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
 * Said first, then looked: a push that was not seen to count on an object sees that it must not. `version` null: another one was first. `isOver` false: the outcome of a deletion
 * is not known, or time is up: then the state stays until somebody finds it dead, and nothing is counted on meanwhile.
 */
async function deleteMarked(
  deps: Collecting,
  { found, nowMs, deleted }: Deletion,
  signal: AbortSignal,
): Promise<{ readonly version: HeadVersion | null; readonly isOver: boolean }> {
  const { remote, clock } = deps;
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
  // A push that was done a moment ago has to be seen.
  if (remote.lagMs > 0) await clock.sleep(remote.lagMs, signal);
  const named = await namedObjects(remote, [], signal);
  const listedMs = elapsedMs();
  for (const key of collection.keys) {
    if (named.has(key)) continue;
    const stat = await remote.objects.stat(key, signal);
    if (stat === undefined || stat.storedAtMs > collection.markedAtMs - deps.grace.clockStepMs) continue;
    // Long before somebody takes it for dead, also where it took long to see what is named, or this machine slept meanwhile.
    if (elapsedMs() > Math.min(listedMs + limits.remoteDeletingMs, limits.remoteDeadMs / 2)) break;
    await remote.objects.remove(key, signal);
    const { sizeBytes, storedAtMs } = stat;
    deleted.push({ key, sizeBytes, storedAtMs });
  }
  return { version, isOver: true };
}

/** A machine that sleeps stops its monotonic clock, and somebody may set the other one back. */
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

/** Objects that no head names, old enough that no push is under way to name them. */
async function unnamed(
  { remote, grace }: Collecting,
  { nowMs, without }: Look,
  signal: AbortSignal,
): Promise<readonly ListedObject[]> {
  const named = await namedObjects(remote, without, signal);
  const found: ListedObject[] = [];
  for (let after: RemoteKey | undefined; ;) {
    const { objects, more } = await remote.objects.list('', after === undefined ? {} : { after }, signal);
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
