import {
  compareTrust,
  formatPolicyValue,
  limits,
  policyAt,
  trustLevels,
  type CollectionFacts,
  type LayerId,
  type Namespace,
  type NamespaceId,
  type NamespaceRecord,
  type OwnDirectory,
  type Policies,
  type PolicyKey,
  type Space,
  type TrustLevel,
} from '@cachelane/core';
import { byWorth, heldLanes, type HeldLane } from './held-lanes.ts';
import { Ledger } from './ledger.ts';

/** A layer to be saved. */
export interface Incoming {
  /** Null: the namespace is empty. */
  readonly namespaceId: NamespaceId | null;
  readonly trust: TrustLevel;
  readonly sizeBytes: number;
  /** Size of further layers that other namespaces hold already. */
  readonly heldBytes?: number;
  /** The lane's own limit for the namespace size, which may be lower. */
  readonly namespaceLimit: number;
}

export interface EvictionInput {
  /** Without the facts of all lanes, size limits are ignored. */
  readonly facts: CollectionFacts;
  readonly directories: readonly OwnDirectory[];
  readonly policies: Policies;
  /** Sizes of the layers that these lanes or sessions name; of all layers if space may be short. */
  readonly sizes: ReadonlyMap<LayerId, number>;
  /** Null: unknown; nothing is evicted for space. */
  readonly space: Space | null;
  readonly nowMs: number;
  /** For space, evict only lanes of this trust level or below: that of the save that needs it. */
  readonly upTo: TrustLevel;
  /** Other data can free space first, so no head is evicted for free space this time. */
  readonly hasSpare: boolean;
  readonly incoming?: Incoming;
}

interface Planned {
  readonly held: HeldLane;
  readonly policy: PolicyKey;
  /** One clause of display text. */
  readonly why: string;
  /** Bytes freed, after the evictions before it. */
  readonly frees: number;
}

export type PlannedEviction =
  | (Planned & { readonly kind: 'head' })
  /** `states` earlier states, before a generation. */
  | (Planned & { readonly kind: 'history'; readonly fromGeneration: number; readonly states: number });

/** A limit that stays exceeded, because the floor or more trusted lanes hold the rest. */
export interface UnmetLimit {
  readonly policy: PolicyKey;
  readonly why: string;
  readonly overBytes: number;
}

export interface EvictionPlan {
  /** In eviction order. */
  readonly evictions: readonly PlannedEviction[];
  readonly unmet: readonly UnmetLimit[];
  /** Too little space is free. */
  readonly isPressed: boolean;
  /** Heads that stay. */
  readonly left: readonly HeldLane[];
  /** Layers that are referred to afterwards. */
  readonly held: ReadonlySet<LayerId>;
}

/** Returns what policies evict. Changes nothing; the same input gives the same plan. */
export function planEvictions(input: EvictionInput): EvictionPlan {
  return new Planner(input).plan();
}

/** Something that can be evicted alone. */
type Unit = Pick<Planned, 'held'> &
  (
    | { readonly kind: 'head' }
    | { readonly kind: 'history'; readonly fromGeneration: number; readonly states: number }
  ) & {
    /** Its layers, one set for each holder. */
    readonly holdings: readonly ReadonlySet<LayerId>[];
  };

interface Relief {
  readonly policy: PolicyKey;
  readonly why: string;
  readonly scope: (held: HeldLane) => boolean;
  /** Bytes over the limit. */
  readonly excess: () => number;
}

class Planner {
  readonly #input: EvictionInput;
  readonly #lanes: readonly HeldLane[];
  readonly #store: Ledger;
  readonly #namespaces = new Map<NamespaceId, Ledger>();
  /** When directories of namespaces disappeared. */
  readonly #goneSinceMs: ReadonlyMap<Namespace, number>;
  /** Levels with a share. */
  readonly #levels: Readonly<Partial<Record<TrustLevel, Ledger>>>;
  readonly #gone = new Set<HeldLane>();
  /** Earlier states below this generation are evicted. */
  readonly #trimmed = new Map<HeldLane, number>();
  readonly #evictions: PlannedEviction[] = [];
  /** How to undo each eviction. */
  readonly #undo = new Map<PlannedEviction, { readonly restore: () => void; readonly again: () => void }>();
  readonly #unmet: UnmetLimit[] = [];
  readonly #allBytes: number;

  constructor(input: EvictionInput) {
    this.#input = input;
    const sizeOf = (id: LayerId): number => input.sizes.get(id) ?? 0;
    this.#allBytes = [...input.sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
    this.#lanes = heldLanes(input.facts, input.policies, input.nowMs).toSorted(byWorth);
    this.#store = new Ledger(sizeOf);
    this.#store.hold(input.facts.pins);
    this.#store.hold(input.facts.heldElsewhere);
    this.#goneSinceMs = new Map(
      input.directories.flatMap(({ namespace, goneSinceMs }) =>
        goneSinceMs === null ? [] : [[namespace, goneSinceMs]],
      ),
    );
    this.#levels = { T0: this.#levelLedger('T0'), T1: this.#levelLedger('T1') };
    for (const held of this.#lanes) {
      if (!this.#namespaces.has(held.namespace.id)) this.#namespaces.set(held.namespace.id, new Ledger(sizeOf));
      for (const each of this.#allOf(held)) this.#hold(held, each);
    }
  }

  plan(): EvictionPlan {
    for (const held of this.#lanes) this.#ageHistory(held);
    for (const held of this.#lanes) this.#age(held);
    const isPressed = this.#input.facts.isWhole && this.#relieve();
    const left = this.#lanes.filter((held) => !this.#gone.has(held));
    return { evictions: this.#evictions, unmet: this.#unmet, isPressed, left, held: this.#store.held() };
  }

  /** Returns whether too little space is free. */
  #relieve(): boolean {
    for (const namespace of this.#input.facts.namespaces) this.#relieveNamespace(namespace);
    this.#relieveStore();
    this.#relieveShares();
    return this.#relieveSpace();
  }

  #ledgersOf({ namespace, trust }: HeldLane): readonly Ledger[] {
    return [this.#store, this.#levels[trust], this.#namespaces.get(namespace.id)].filter((each) => each !== undefined);
  }

  /** Counts layers of a level without those that a higher level holds too. */
  #levelLedger(level: TrustLevel): Ledger {
    const higher = this.#lanes.filter(({ trust }) => compareTrust(trust, level) > 0);
    const theirs = new Set(higher.flatMap((held) => this.#allOf(held).flatMap((ids) => [...ids])));
    return new Ledger((id) => (theirs.has(id) ? 0 : (this.#input.sizes.get(id) ?? 0)));
  }

  #hold(held: HeldLane, layers: ReadonlySet<LayerId>): void {
    for (const ledger of this.#ledgersOf(held)) ledger.hold(layers);
  }

  #ageHistory(held: HeldLane): void {
    const { policy, earlier, head } = held;
    const oldestMs = this.#input.nowMs - Math.min(limits.historyMs, policy.history.value);
    // Counts the head's own state too.
    const count = Math.max(0, Math.min(limits.historyGenerations, policy['history-generations'].value) - 1);
    const byTime = earlier.findLast(({ atMs }) => atMs >= oldestMs)?.generation ?? head.generation;
    const byCount = earlier[count - 1]?.generation ?? (count === 0 ? head.generation : 0);
    const limit = byTime >= byCount ? 'history' : 'history-generations';
    const why = limit === 'history' ? `older than ${said(policy, limit)}` : `beyond ${said(policy, limit)} states`;
    const unit = this.#historyUnit(held, Math.max(byTime, byCount));
    if (unit !== null) this.#evict(unit, limit, why);
  }

  #age(held: HeldLane): void {
    if (held.floor !== null) return;
    const { nowMs } = this.#input;
    const { head, policy, lifetime, namespace } = held;
    const gone = this.#goneSinceMs.get(namespace.paths[0] as Namespace);
    if (gone !== undefined && gone <= nowMs - policy['keep-gone'].value) {
      this.#evict(headUnit(held), 'keep-gone', `its directory has been gone for ${said(policy, 'keep-gone')}`);
    } else if (head.usedAtMs <= nowMs - policy[lifetime].value) {
      const kept = lifetime === 'keep-run' ? 'its run has ended' : 'it is not kept after its use';
      const why = policy[lifetime].value === 0 ? kept : `not used for ${said(policy, lifetime)}`;
      this.#evict(headUnit(held), lifetime, why);
    }
  }

  #relieveNamespace({ id, paths }: NamespaceRecord): void {
    const incoming = this.#input.incoming?.namespaceId === id ? this.#input.incoming : undefined;
    const own = policyAt(this.#input.policies, { paths, lane: null })['namespace-size'].value;
    const limit = Math.min(own, incoming?.namespaceLimit ?? own);
    const coming = (incoming?.sizeBytes ?? 0) + (incoming?.heldBytes ?? 0);
    this.#relieveBy({
      policy: 'namespace-size',
      why: `${paths[0]} takes more than ${formatPolicyValue('namespace-size', limit)}`,
      scope: ({ namespace }) => namespace.id === id,
      excess: () => (this.#namespaces.get(id)?.bytes ?? 0) + coming - limit,
    });
  }

  /** Shares are parts of the store's limit. The highest level present has the rest. */
  #relieveShares(): void {
    const { 't0-lane-share': lane, 't0-share': t0, 't1-share': t1, 'store-size': size } = this.#storePolicy();
    const { space } = this.#input;
    const all = Math.min(size.value, space === null ? Infinity : this.#store.bytes + space.freeBytes);
    const { incoming } = this.#input;
    const levels = [...this.#lanes.map(({ trust }) => trust), ...(incoming === undefined ? [] : [incoming.trust])];
    const highest = levels.toSorted(compareTrust).at(-1) ?? 'T0';
    const laneBytes = Math.min(limits.t0LaneBytes, (all * lane.value) / 100);
    for (const held of this.#lanes) {
      if (held.trust !== 'T0') continue;
      const own = (): number => [...headOf(held)].reduce((sum, id) => sum + (this.#input.sizes.get(id) ?? 0), 0);
      const isGone = (): boolean => this.#gone.has(held);
      const why = 'it takes more than a T0 lane may';
      this.#relieveBy({
        policy: 't0-lane-share',
        why,
        scope: (each) => each === held,
        excess: () => (isGone() ? 0 : own() - laneBytes),
      });
    }
    for (const [level, policy, { value }] of [
      ['T0', 't0-share', t0],
      ['T1', 't1-share', t1],
    ] as const) {
      if (level === highest || !Number.isFinite(all)) continue;
      const coming = incoming?.trust === level ? incoming.sizeBytes : 0;
      this.#relieveBy({
        policy,
        why: `lanes of ${level} take more than ${value}% of the store`,
        scope: ({ trust }) => trust === level,
        excess: () => (this.#levels[level]?.bytes ?? 0) + coming - (all * value) / 100,
      });
    }
  }

  #relieveStore(): void {
    const limit = this.#storePolicy()['store-size'].value;
    const coming = this.#input.incoming?.sizeBytes ?? 0;
    this.#relieveBy({
      policy: 'store-size',
      why: `the store takes more than ${formatPolicyValue('store-size', limit)}`,
      scope: () => true,
      excess: () => this.#store.bytes + coming - limit,
    });
  }

  #relieveSpace(): boolean {
    const { space, policies, hasSpare } = this.#input;
    if (space === null) return false;
    const limit = freeSpaceLimit(policies, space);
    // Every collection deletes unheld layers. The incoming layer is on disk already.
    const excess = (): number => limit - (space.freeBytes + this.#allBytes - this.#store.bytes);
    const isPressed = excess() > 0;
    if (hasSpare) return isPressed;
    const why = `less than ${formatPolicyValue('free-space', limit)} is free`;
    this.#relieveBy({ policy: 'free-space', why, scope: () => true, excess });
    return isPressed;
  }

  #storePolicy(): ReturnType<typeof policyAt> {
    return policyAt(this.#input.policies, { paths: [], lane: null });
  }

  /**
   * Evicts history before heads within a level, least trusted and least recently used first. Finally undoes evictions that turned out
   * unnecessary.
   */
  #relieveBy({ policy, why, scope, excess }: Relief): void {
    if (excess() <= 0) return;
    const from = this.#evictions.length;
    for (const unit of this.#units(scope)) {
      if (excess() <= 0) break;
      this.#evict(unit, policy, why);
    }
    for (const planned of this.#evictions.slice(from).toReversed()) this.#restoreIf(planned, excess);
    if (excess() > 0) this.#unmet.push({ policy, why, overBytes: Math.round(excess()) });
  }

  #units(scope: (held: HeldLane) => boolean): readonly Unit[] {
    const wanted = this.#lanes.filter(
      (held) => scope(held) && !this.#gone.has(held) && compareTrust(held.trust, this.#input.upTo) <= 0,
    );
    return trustLevels.flatMap((level) => {
      const own = wanted.filter(({ trust }) => trust === level);
      const states = own.flatMap((held) => this.#historyUnit(held, this.#oldEnough(held)) ?? []);
      return [...states, ...own.filter(({ floor }) => floor === null).map(headUnit)];
    });
  }

  /** Returns the first generation that is too young to evict. */
  #oldEnough({ earlier, head }: HeldLane): number {
    const youngMs = this.#input.nowMs - limits.sweepGraceMs;
    return earlier.findLast(({ atMs }) => atMs > youngMs)?.generation ?? head.generation;
  }

  #historyUnit(held: HeldLane, fromGeneration: number): (Unit & { readonly kind: 'history' }) | null {
    const trimmed = this.#trimmed.get(held) ?? 0;
    const rows = held.earlier.filter(({ generation }) => generation >= trimmed && generation < fromGeneration);
    if (rows.length === 0) return null;
    return { kind: 'history', held, fromGeneration, states: rows.length, holdings: rows.map(stateOf) };
  }

  #evict(unit: Unit, policy: PolicyKey, why: string): void {
    const { held } = unit;
    const before = this.#store.bytes;
    const holdings = unit.kind === 'head' ? this.#allOf(held) : unit.holdings;
    const trimmed = this.#trimmed.get(held) ?? 0;
    const again = (): void => {
      for (const ledger of this.#ledgersOf(held)) for (const each of holdings) ledger.release(each);
      if (unit.kind === 'head') this.#gone.add(held);
      else this.#trimmed.set(held, unit.fromGeneration);
    };
    const restore = (): void => {
      for (const ledger of this.#ledgersOf(held)) for (const each of holdings) ledger.hold(each);
      if (unit.kind === 'head') this.#gone.delete(held);
      else this.#trimmed.set(held, trimmed);
    };
    again();
    const about = { held, policy, why, frees: before - this.#store.bytes };
    const planned: PlannedEviction =
      unit.kind === 'head'
        ? { ...about, kind: 'head' }
        : { ...about, kind: 'history', fromGeneration: unit.fromGeneration, states: unit.states };
    this.#evictions.push(planned);
    this.#undo.set(planned, { restore, again });
  }

  /** A head is evicted with its earlier states and the layers that its squashes replaced. */
  #allOf(held: HeldLane): readonly ReadonlySet<LayerId>[] {
    const trimmed = this.#trimmed.get(held) ?? 0;
    return [
      headOf(held),
      held.replaced,
      ...held.earlier.filter(({ generation }) => generation >= trimmed).map(stateOf),
    ];
  }

  /**
   * Undoes an eviction that was not needed: of holders that share layers, only the last one frees them. Earlier states of an evicted head
   * cannot stay.
   */
  #restoreIf(planned: PlannedEviction, excess: () => number): void {
    const undo = this.#undo.get(planned);
    if (undo === undefined || (planned.kind === 'history' && this.#gone.has(planned.held))) return;
    undo.restore();
    if (excess() <= 0) this.#evictions.splice(this.#evictions.indexOf(planned), 1);
    else undo.again();
  }
}

function headUnit(held: HeldLane): Unit {
  return { kind: 'head', held, holdings: [] };
}

function headOf({ head }: HeldLane): ReadonlySet<LayerId> {
  return new Set(head.layers);
}

function stateOf({ layers, layer }: HeldLane['earlier'][number]): ReadonlySet<LayerId> {
  return new Set(layer === null ? layers : [...layers, layer]);
}

function said(policy: HeldLane['policy'], key: PolicyKey): string {
  return formatPolicyValue(key, policy[key].value);
}

/** Returns the bytes that must stay free. */
export function freeSpaceLimit(policies: Policies, { totalBytes }: Space): number {
  const { value, source } = policyAt(policies, { paths: [], lane: null })['free-space'];
  const part = totalBytes * limits.freePart;
  return source === 'default' ? Math.min(value, part - (part % limits.freeStep)) : value;
}
