import {
  compareTrust,
  laneTrust,
  lifetimeOf,
  limits,
  policyAt,
  type CollectionFacts,
  type HistoryRecord,
  type LayerId,
  type LaneSquash,
  type LifetimeKey,
  type NamespaceRecord,
  type Policies,
  type Policy,
  type TrustLevel,
  type UsedHead,
  type VolumeRecord,
} from '@cachelane/core';

/** A head with everything that decides how long it stays. */
export interface HeldLane {
  readonly head: UsedHead;
  readonly volume: VolumeRecord;
  readonly namespace: NamespaceRecord;
  readonly trust: TrustLevel;
  readonly lifetime: LifetimeKey;
  readonly policy: Policy;
  /** States before the head's, newest first. */
  readonly earlier: readonly HistoryRecord[];
  /** What its squashes replaced within the revocation window. It stays as long as the head, so that a run can be removed. */
  readonly replaced: ReadonlySet<LayerId>;
  /** Why the head may not be removed, one clause; null if it may. */
  readonly floor: string | null;
}

/**
 * Returns every head with its floor. Three things protect a head: an open session that reads or may write it; a move or read within the
 * grace period; and, for default, protected and release lanes, a use within `floor`.
 */
export function heldLanes(facts: CollectionFacts, policies: Policies, nowMs: number): readonly HeldLane[] {
  const volumes = new Map(facts.volumes.map((volume) => [volume.id, volume]));
  const namespaces = new Map(facts.namespaces.map((namespace) => [namespace.id, namespace]));
  const history = Map.groupBy(facts.history, ({ volumeId, lane }) => `${volumeId} ${lane}`);
  const squashes = Map.groupBy(facts.squashes, ({ volumeId, lane }) => `${volumeId} ${lane}`);
  return facts.heads.flatMap((head) => {
    const volume = volumes.get(head.volumeId);
    const namespace = volume === undefined ? undefined : namespaces.get(volume.namespaceId);
    if (volume === undefined || namespace === undefined) return [];
    const { lane } = head;
    const lifetime = lifetimeOf(lane, facts.defaultLanes.get(namespace.id) ?? null);
    const policy = policyAt(policies, {
      paths: namespace.paths,
      lane: { namespaceId: namespace.id, lane },
      volume: volume.name,
    });
    const rows = history.get(`${head.volumeId} ${lane}`) ?? [];
    const earlier = rows.filter(({ generation }) => generation < head.generation);
    const own = squashes.get(`${head.volumeId} ${lane}`) ?? [];
    const replaced = partsOf(own.filter(({ atMs }) => atMs >= nowMs - limits.revocationMs));
    // A session opened before a squash reads the replaced layers.
    const named = new Set([...head.layers, ...partsOf(own)]);
    const floor = floorOf(facts, { head, named, lifetime, policy, nowMs });
    return [{ head, volume, namespace, trust: laneTrust(lane), lifetime, policy, earlier, replaced, floor }];
  });
}

function partsOf(squashes: readonly LaneSquash[]): ReadonlySet<LayerId> {
  return new Set(squashes.flatMap(({ layers }) => layers));
}

interface FloorQuestion {
  readonly head: UsedHead;
  readonly named: ReadonlySet<LayerId>;
  readonly lifetime: LifetimeKey;
  readonly policy: Policy;
  readonly nowMs: number;
}

function floorOf(
  { open, pins }: CollectionFacts,
  { head, named, lifetime, policy, nowMs }: FloorQuestion,
): string | null {
  const isOpen = open.some(({ volumeId, lane }) => volumeId === head.volumeId && lane === head.lane);
  if (isOpen || [...named].some((id) => pins.has(id))) return 'a run has it open';
  if (head.usedAtMs > nowMs - limits.sweepGraceMs) return 'it was used in the last ten minutes';
  const isLasting = lifetime === 'keep-default' || lifetime === 'keep-release';
  return isLasting && head.usedAtMs > nowMs - policy.floor.value ? 'the floor protects it' : null;
}

/** Orders lanes for eviction: least trusted first, then least recently used. */
export function byWorth(a: HeldLane, b: HeldLane): number {
  return (
    compareTrust(a.trust, b.trust) ||
    a.head.usedAtMs - b.head.usedAtMs ||
    (`${a.head.volumeId} ${a.head.lane}` < `${b.head.volumeId} ${b.head.lane}` ? -1 : 1)
  );
}
