import {
  compareTrust,
  dueRules,
  isDue,
  laneTrust,
  leastNamespaceSize,
  lifetimeOf,
  limits,
  type CollectionFacts,
  type CollectionQuestion,
  type DueRule,
  type HeadRecord,
  type HeadSummary,
  type LaneName,
  type LanePolicy,
  type LaneSquash,
  type LayerId,
  type Namespace,
  type NamespaceId,
  type NamespaceRecord,
  type Policies,
  type StoredPolicy,
  type TakenBytes,
  type TrustLevel,
  type UsedHead,
} from '@cachelane/core';
import { headKey, laneOfKey, namespaceNamed, type HeadKey, type MemoryState } from './memory-state.ts';

export function memoryFacts(state: MemoryState, question: CollectionQuestion): CollectionFacts {
  const stored = policiesIn(state);
  const policies = { user: question.user, stored, lanes: lanePoliciesIn(state) };
  const isWhole = question.lanes === 'all';
  const heads = inOrder([...state.heads.values()]).filter(
    (head) => isWhole || isHeadDue(state, head, policies, question),
  );
  const lanes = new Set(heads.map(({ volumeId, lane }) => headKey(volumeId, lane)));
  const history = heads.flatMap(({ volumeId, lane }) =>
    (state.history.get(headKey(volumeId, lane)) ?? []).toReversed(),
  );
  const squashes = heads.flatMap((head) => squashesOf(state, head));
  const asked = new Set([...heads.map(({ volumeId }) => volumeId), ...question.volumes]);
  const volumes = [...state.volumes.values()].filter(({ id }) => asked.has(id)).toSorted(byName);
  const own = question.namespace === null ? undefined : namespaceNamed(state, question.namespace)?.record.id;
  const spaces = new Set([...volumes.map(({ namespaceId }) => namespaceId), ...(own === undefined ? [] : [own])]);
  const takenBy = (id: NamespaceId): number =>
    bytesOf(
      state,
      layersOf(state, ({ namespaceId }) => namespaceId === id),
    );
  const pins = pinsIn(state);
  const named = new Set([
    ...heads.flatMap(({ layers }) => layers),
    ...history.flatMap(({ layers, layer }) => (layer === null ? layers : [...layers, layer])),
    ...squashes.flatMap(({ layers }) => layers),
    ...pins,
  ]);
  const others = [...state.holders].filter(([key]) => !lanes.has(key));
  const isHeldElsewhere = (id: LayerId): boolean => others.some(([, held]) => held.has(id));
  const elsewhere = [...state.heads].filter(([key]) => !lanes.has(key)).map(([, { volumeId }]) => volumeId);
  const limit = leastNamespaceSize(policies);
  return {
    isWhole,
    namespaces: recordsOf(state, spaces),
    defaultLanes: new Map([...state.defaultLanes].filter(([id]) => spaces.has(id))),
    volumes,
    volumesElsewhere: new Set(elsewhere.filter((id) => volumes.some((volume) => volume.id === id))),
    heads: heads.map((head): UsedHead => ({ ...head, usedAtMs: usedAt(state, head) })),
    history,
    squashes,
    loose: new Set(state.loose),
    heldElsewhere: new Set([...named, ...state.loose, ...question.layers].filter(isHeldElsewhere)),
    sizes: new Map(
      [...named].flatMap((id) => {
        const record = state.layers.get(id);
        return record === undefined ? [] : [[id, record.counts.sizeBytes] as const];
      }),
    ),
    taken: { ...takenIn(state), namespace: own === undefined ? 0 : takenBy(own) },
    crowded: recordsOf(state, new Set(state.namespaces.keys()), (a, b) => (a.id < b.id ? -1 : 1)).flatMap(
      (namespace) => {
        const takenBytes = takenBy(namespace.id);
        return takenBytes > limit ? [{ namespace, takenBytes }] : [];
      },
    ),
    levels: new Set([...state.heads.values()].map(({ lane }) => laneTrust(lane))),
    pins,
    open: [...state.sessions.values()].flatMap(({ id, lane }) =>
      (state.sessionVolumes.get(id) ?? []).flatMap((volumeId) =>
        state.volumes.has(volumeId) ? [{ volumeId, lane }] : [],
      ),
    ),
    policies: stored,
    lanePolicies: policies.lanes,
  };
}

export function policiesIn({ policies }: MemoryState): readonly StoredPolicy[] {
  return [...policies].map(([namespace, texts]) => ({ namespace, texts }));
}

function lanePoliciesIn({ lanePolicies, namespaces }: MemoryState): readonly LanePolicy[] {
  return [...lanePolicies.values()].filter(({ namespaceId }) => namespaces.has(namespaceId));
}

export function pinsIn({ sessions }: MemoryState): ReadonlySet<LayerId> {
  return new Set([...sessions.values()].flatMap(({ pins }) => pins));
}

export function squashesOf(state: MemoryState, { volumeId, lane }: HeadRecord): readonly LaneSquash[] {
  return (state.squashes.get(headKey(volumeId, lane)) ?? []).map((record) => ({ ...record, volumeId, lane }));
}

export function usedAt(state: MemoryState, { volumeId, lane, updatedAtMs }: HeadRecord): number {
  return state.uses.get(headKey(volumeId, lane)) ?? updatedAtMs;
}

function isHeadDue(
  state: MemoryState,
  head: HeadRecord,
  policies: Policies,
  { nowMs, gone }: CollectionQuestion,
): boolean {
  const key = headKey(head.volumeId, head.lane);
  const namespaceId = state.volumes.get(head.volumeId)?.namespaceId;
  const paths = (namespaceId === undefined ? undefined : state.namespaces.get(namespaceId))?.record.paths ?? [];
  if (laneTrust(head.lane) === 'T0' || paths.some((path) => gone.includes(path))) return true;
  const history = state.history.get(key) ?? [];
  if (history.some(({ atMs }) => atMs < nowMs - limits.historyMs)) return true;
  if (state.squashes.get(key)?.some(({ atMs }) => atMs < nowMs - limits.revocationMs) === true) return true;
  const earlier = history.filter(({ generation }) => generation < head.generation);
  const defaultLane = namespaceId === undefined ? undefined : state.defaultLanes.get(namespaceId);
  const summary: HeadSummary = {
    lifetime: lifetimeOf(head.lane, defaultLane ?? null),
    usedAtMs: usedAt(state, head),
    earlierStates: earlier.length,
    earliestMs: earlier.length === 0 ? null : Math.min(...earlier.map(({ atMs }) => atMs)),
    sizeBytes: [...new Set(head.layers)].reduce(
      (sum, id) => sum + (state.layers.get(id)?.counts.sizeBytes ?? Infinity),
      0,
    ),
  };
  const isThere = ({ where }: DueRule): boolean => {
    if (where === null) return true;
    if (typeof where !== 'string') return where.namespaceId === namespaceId && where.lane === head.lane;
    return paths.some((path) => path === where || path.startsWith(`${where}/`));
  };
  return dueRules(policies, nowMs).some((rule) => isThere(rule) && isDue(rule, summary));
}

interface Holder {
  readonly lane: LaneName;
  readonly namespaceId: NamespaceId | undefined;
}

function holderOf(state: MemoryState, key: HeadKey): Holder {
  const { volumeId, lane } = laneOfKey(key);
  return { lane, namespaceId: state.volumes.get(volumeId)?.namespaceId };
}

function layersOf(state: MemoryState, isMeant: (holder: Holder) => boolean): ReadonlySet<LayerId> {
  return new Set([...state.holders].flatMap(([key, held]) => (isMeant(holderOf(state, key)) ? [...held] : [])));
}

function bytesOf(state: MemoryState, ids: Iterable<LayerId>): number {
  return [...ids].reduce((sum, id) => sum + (state.layers.get(id)?.counts.sizeBytes ?? 0), 0);
}

function takenIn(state: MemoryState): Omit<TakenBytes, 'namespace'> {
  const highest = new Map<LayerId, TrustLevel>();
  for (const [key, held] of state.holders) {
    const level = laneTrust(holderOf(state, key).lane);
    for (const id of held) if (compareTrust(highest.get(id) ?? 'T0', level) <= 0) highest.set(id, level);
  }
  const byLevel = Map.groupBy(highest.keys(), (id) => highest.get(id) as TrustLevel);
  const levels = [...byLevel].map(([level, ids]) => [level, bytesOf(state, ids)] as const);
  return {
    store: bytesOf(state, highest.keys()),
    levels: Object.fromEntries(levels.filter(([, bytes]) => bytes > 0)),
  };
}

function recordsOf(
  { namespaces }: MemoryState,
  ids: ReadonlySet<NamespaceId>,
  order: (a: NamespaceRecord, b: NamespaceRecord) => number = byPath,
): readonly NamespaceRecord[] {
  return [...namespaces.values()]
    .map(({ record }) => record)
    .filter(({ id }) => ids.has(id))
    .toSorted(order);
}

function inOrder(heads: readonly HeadRecord[]): readonly HeadRecord[] {
  return heads.toSorted((a, b) => (headKey(a.volumeId, a.lane) < headKey(b.volumeId, b.lane) ? -1 : 1));
}

function byName(a: { readonly name: string; readonly id: string }, b: { readonly name: string; readonly id: string }) {
  return `${a.name} ${a.id}` < `${b.name} ${b.id}` ? -1 : 1;
}

function byPath(a: { readonly paths: readonly Namespace[] }, b: { readonly paths: readonly Namespace[] }): number {
  return (a.paths[0] ?? '') < (b.paths[0] ?? '') ? -1 : 1;
}
