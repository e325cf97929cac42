import {
  compareTrust,
  laneTrust,
  limits,
  type CollectionFacts,
  type CollectionQuestion,
  type Digest,
  type KeptDirectory,
  type LayerId,
  type ListedLayer,
  type OwnDirectory,
  type StatedPolicy,
  type TrustLevel,
} from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { OnProgress } from '../model/progress-update.ts';
import { findKept } from '../volumes/kept-directories.ts';
import {
  planEvictions,
  type EvictionPlan,
  type PlannedEviction,
  type UnmetLimit,
} from '../evictions/plan-evictions.ts';
import { isWithinLimits } from '../evictions/within-limits.ts';

export interface GarbageOptions {
  /** Policy of the person's own file. */
  readonly policy: StatedPolicy;
  /** For space, evict only lanes of this trust level or below. */
  readonly upTo: TrustLevel;
  /** Whether a project's directory (absolute path) exists. */
  readonly isThere: (path: string) => boolean;
  /** Check every layer on disk, also unrecorded ones; otherwise only when due (`limits.lookAtAllMs`). */
  readonly all?: boolean;
  readonly onProgress?: OnProgress;
}

export interface Removable {
  /** Evictions by policy, in order. */
  readonly evictions: readonly PlannedEviction[];
  /** Limits that stay exceeded. */
  readonly unmet: readonly UnmetLimit[];
  /** Layers that no head, history or live session refers to after the evictions. */
  readonly layers: readonly ListedLayer[];
  /** The same, but young: a run may be about to refer to them, so they stay. */
  readonly young: readonly ListedLayer[];
  /** Derived layers that no run used recently; they are made again when needed. */
  readonly derived: readonly Digest[];
  /** Kept directories of removed volumes, or unused for a while. If space is short, also others. */
  readonly kept: readonly KeptDirectory[];
}

/** What a collection needs in addition. */
export interface Found {
  readonly removable: Removable;
  readonly directories: readonly OwnDirectory[];
  /** Heads that stay and may be shrunk. */
  readonly left: EvictionPlan['left'];
  /** Of those that were loose. */
  readonly absent: readonly LayerId[];
  readonly held: readonly LayerId[];
  /** Whether every layer on disk was checked. */
  readonly isAll: boolean;
}

/** A derived layer takes only directory entries, and seconds to make again. */
const derivedIdleMs = 7 * 24 * 3600 * 1000;

/** A kept directory takes as much space as its contents, and saves seconds for large volumes. */
const keptIdleMs = 14 * 24 * 3600 * 1000;

export type RemovableDependencies = Pick<EngineDependencies, 'layers' | 'clock' | 'metadata' | 'mounters'>;

/**
 * Returns what could be removed now, without what dead sessions still pin. Checks due lanes and loose layers only. If a size limit is
 * exceeded, checks every lane, since each could make room, and every layer on disk.
 */
export async function findRemovable(
  deps: RemovableDependencies,
  options: GarbageOptions,
  signal: AbortSignal,
): Promise<Found> {
  const nowMs = deps.clock.nowMs();
  const { metadata, layers } = deps;
  const idle = (await layers.listDerived(signal)).filter(({ usedAtMs }) => usedAtMs < nowMs - derivedIdleMs);
  const kept = await findKept(deps.mounters, () => true, signal);
  const directories = (await metadata.ownDirectories(signal)).map((each) => look(each, options, nowMs));
  let listed = (await isAllDue(deps, options, signal)) ? await layers.list(signal) : null;
  const question = (lanes: CollectionQuestion['lanes']): CollectionQuestion => ({
    lanes,
    nowMs,
    user: options.policy,
    gone: directories.flatMap(({ namespace, goneSinceMs }) => (goneSinceMs === null ? [] : [namespace])),
    layers: listed?.map(({ id }) => id) ?? [],
    volumes: [...new Set(kept.map(({ volume }) => volume))],
    namespace: null,
  });
  // Read after the list of derived layers: a session that mounts one has pinned it by now, or will find it gone and make it again.
  let facts = await metadata.collectionFacts(question('due'), signal);
  const space = await layers.space(signal);
  const policiesIn = (from: CollectionFacts) => ({
    user: options.policy,
    stored: from.policies,
    lanes: from.lanePolicies,
  });
  if (!isWithinLimits({ facts, policies: policiesIn(facts), space })) {
    listed ??= await layers.list(signal);
    facts = await metadata.collectionFacts(question('all'), signal);
  }
  const spare = kept.filter((each) => isSpare(each, options, nowMs));
  const plan = planEvictions({
    facts,
    directories,
    policies: policiesIn(facts),
    sizes: listed === null ? facts.sizes : new Map(listed.map(({ id, sizeBytes }) => [id, sizeBytes])),
    space,
    nowMs,
    upTo: options.upTo,
    hasSpare: spare.length > 0,
  });
  const suspects = [...new Set([...facts.loose, ...namedIn(facts)])].filter((id) => !plan.held.has(id));
  const there = listed ?? (await layers.describe(suspects, signal));
  const isOld = ({ sealedAtMs }: ListedLayer): boolean => sealedAtMs < nowMs - limits.sweepGraceMs;
  const unreferenced = there.filter(({ id }) => !plan.held.has(id));
  const found = new Set(there.map(({ id }) => id));
  const removable = {
    evictions: plan.evictions,
    unmet: plan.unmet,
    layers: unreferenced.filter(isOld),
    young: unreferenced.filter((layer) => !isOld(layer)),
    derived: idle.flatMap(({ key }) => (plan.held.has(key as LayerId) ? [] : [key])),
    kept: [...idleIn(kept, { facts, plan, nowMs }), ...(plan.isPressed ? spare : [])].filter(
      ({ dir }, index, all) => all.findIndex((each) => each.dir === dir) === index,
    ),
  };
  const held = [...facts.loose].filter((id) => plan.held.has(id) && !facts.pins.has(id));
  const absent = [...facts.loose].filter((id) => !plan.held.has(id) && !found.has(id));
  return { removable, directories, left: plan.left, held, absent, isAll: listed !== null };
}

async function isAllDue(
  { metadata, clock }: RemovableDependencies,
  { all = false }: GarbageOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const lookedAtMs = await metadata.lookedAtMs(signal);
  const nowMs = clock.nowMs();
  // A time in the future means that the clock was wrong.
  return all || lookedAtMs === null || lookedAtMs > nowMs || nowMs - lookedAtMs >= limits.lookAtAllMs;
}

/** The first collection that misses a directory records the time. */
function look(directory: OwnDirectory, { isThere }: GarbageOptions, nowMs: number): OwnDirectory {
  return { ...directory, goneSinceMs: isThere(directory.path) ? null : (directory.goneSinceMs ?? nowMs) };
}

function namedIn({ heads, history, squashes }: CollectionFacts): readonly LayerId[] {
  return [
    ...heads.flatMap(({ layers }) => layers),
    ...history.flatMap(({ layers, layer }) => [...layers, ...(layer === null ? [] : [layer])]),
    ...squashes.flatMap(({ layers }) => layers),
  ];
}

interface Planned {
  readonly facts: CollectionFacts;
  readonly plan: EvictionPlan;
  readonly nowMs: number;
}

function idleIn(kept: readonly KeptDirectory[], { facts, plan, nowMs }: Planned): readonly KeptDirectory[] {
  const gone = new Set(plan.evictions.flatMap(({ kind, held }) => (kind === 'head' ? [held.head] : [])));
  const left = new Set(facts.heads.filter((head) => !gone.has(head)).map(({ volumeId }) => volumeId));
  const isLeft = (id: KeptDirectory['volume']): boolean => left.has(id) || facts.volumesElsewhere.has(id);
  const evicted = new Set([...gone].flatMap(({ volumeId }) => (isLeft(volumeId) ? [] : [volumeId])));
  const volumes = new Set(facts.volumes.flatMap(({ id }) => (evicted.has(id) ? [] : [id])));
  return kept.filter(
    ({ volume, usedAtMs, hasUnsaved }) =>
      usedAtMs < nowMs - (hasUnsaved || volumes.has(volume) ? keptIdleMs : limits.sweepGraceMs),
  );
}

/** Whether a directory can be made again without loss. Such directories are deleted before any head. */
function isSpare({ usedAtMs, hasUnsaved, lane }: KeptDirectory, { upTo }: GarbageOptions, nowMs: number): boolean {
  return !hasUnsaved && usedAtMs < nowMs - limits.sweepGraceMs && compareTrust(laneTrust(lane), upTo) <= 0;
}
