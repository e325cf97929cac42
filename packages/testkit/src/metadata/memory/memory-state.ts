import {
  CachelaneError,
  limits,
  type CatalogRecord,
  type CatalogUse,
  type Eviction,
  type FeedRecord,
  type GrantRecord,
  type HeadRecord,
  type HistoryRecord,
  type LaneName,
  type LanePolicy,
  type LayerId,
  type LayerRecord,
  type Namespace,
  type NamespaceId,
  type NamespaceRecord,
  type NotedPaths,
  type PathNote,
  type ReadRecord,
  type OwnDirectory,
  type PolicyTexts,
  type RemoteId,
  type RevokedRun,
  type RunId,
  type RunRecord,
  type SessionId,
  type SessionRecord,
  type SquashRecord,
  type SyncedHead,
  type VolumeId,
  type VolumeRecord,
} from '@cachelane/core';

/** The state of memory metadata. Handles that share it are like processes that share a file. */
export interface MemoryState {
  readonly namespaces: Map<NamespaceId, MemoryNamespace>;
  readonly volumes: Map<VolumeId, VolumeRecord>;
  readonly heads: Map<HeadKey, HeadRecord>;
  /** Oldest first. */
  readonly history: Map<HeadKey, readonly HistoryRecord[]>;
  readonly removedGenerations: Map<HeadKey, number>;
  readonly layers: Map<LayerId, LayerRecord>;
  readonly forgotten: Map<LayerId, number>;
  readonly runs: Map<RunId, RunRecord>;
  readonly savedRuns: Set<RunId>;
  readonly sessions: Map<SessionId, SessionRecord>;
  /** Targets of each session, once recorded. */
  readonly sessionMounts: Map<SessionId, readonly string[]>;
  /** Volumes of each session. */
  readonly sessionVolumes: Map<SessionId, readonly VolumeId[]>;
  /** The session that locked a volume's lane. */
  readonly volumeLocks: Map<HeadKey, SessionId>;
  /** By remote and head. */
  readonly synced: Map<SyncedKey, SyncedHead>;
  /** By run and volume. */
  readonly reads: Map<string, ReadRecord>;
  /** By run and namespace. */
  readonly revoked: Map<string, RevokedRun>;
  /** By head; oldest first. */
  readonly squashes: Map<HeadKey, readonly SquashRecord[]>;
  /** Null: its session is closed, but another one needed it. */
  readonly mountDirs: Map<string, SessionId | null>;
  /** Last read of each head since it moved. */
  readonly uses: Map<HeadKey, number>;
  readonly notedPaths: Map<HeadKey, Readonly<Partial<Record<PathNote, NotedPaths>>>>;
  readonly defaultLanes: Map<NamespaceId, LaneName>;
  readonly policies: Map<Namespace, PolicyTexts>;
  readonly lanePolicies: Map<string, LanePolicy>;
  /** By the directory's own name. */
  readonly ownDirectories: Map<Namespace, OwnDirectory>;
  /** Oldest first. */
  readonly evictions: Eviction[];
  /** Layers that each lane names, including former ones until a collection checks. */
  readonly holders: Map<HeadKey, ReadonlySet<LayerId>>;
  /** Layers that may have no holder. */
  readonly loose: Set<LayerId>;
  /** Times of full checks, the last one last; empty: never. */
  readonly looks: number[];
  /** By owner, volume and grantee. */
  readonly grants: Map<string, GrantRecord>;
  /** By tier, volume, projects and lanes. */
  readonly feeds: Map<string, FeedRecord>;
  readonly catalogs: Map<NamespaceId, MemoryCatalog>;
  /** By namespace, definition and consumer. */
  readonly catalogUses: Map<string, CatalogUse>;
}

export interface MemoryNamespace {
  readonly record: NamespaceRecord;
  /** For each path that is a directory's own name: the directory's identity. */
  readonly directories: ReadonlyMap<Namespace, string>;
  /** Whether it was created explicitly. */
  readonly stays: boolean;
}

export interface MemoryCatalog {
  /** The highest version number so far. */
  readonly lastVersion: number;
  /** Newest first. */
  readonly versions: readonly CatalogRecord[];
}

export type HeadKey = string & { readonly __headKey: unique symbol };

export function headKey(volumeId: VolumeId, lane: LaneName): HeadKey {
  return `${volumeId} ${lane}` as HeadKey;
}

export function laneOfKey(key: HeadKey): { readonly volumeId: VolumeId; readonly lane: LaneName } {
  const [volumeId, lane] = key.split(' ') as [VolumeId, LaneName];
  return { volumeId, lane };
}

export type SyncedKey = string & { readonly __syncedKey: unique symbol };

export function syncedKey(remote: RemoteId, volumeId: VolumeId, lane: LaneName): SyncedKey {
  return `${remote} ${volumeId} ${lane}` as SyncedKey;
}

export function emptyState(): MemoryState {
  return {
    namespaces: new Map(),
    volumes: new Map(),
    heads: new Map(),
    history: new Map(),
    removedGenerations: new Map(),
    layers: new Map(),
    forgotten: new Map(),
    runs: new Map(),
    savedRuns: new Set(),
    sessions: new Map(),
    sessionMounts: new Map(),
    sessionVolumes: new Map(),
    volumeLocks: new Map(),
    synced: new Map(),
    squashes: new Map(),
    reads: new Map(),
    revoked: new Map(),
    mountDirs: new Map(),
    uses: new Map(),
    notedPaths: new Map(),
    defaultLanes: new Map(),
    policies: new Map(),
    lanePolicies: new Map(),
    ownDirectories: new Map(),
    evictions: [],
    holders: new Map(),
    loose: new Set(),
    looks: [],
    grants: new Map(),
    feeds: new Map(),
    catalogs: new Map(),
    catalogUses: new Map(),
  };
}

export function namespaceNamed(state: MemoryState, path: Namespace): MemoryNamespace | undefined {
  return [...state.namespaces.values()].find(({ record }) => record.paths.includes(path));
}

export function hasVolumes(state: MemoryState, id: NamespaceId): boolean {
  return [...state.volumes.values()].some((volume) => volume.namespaceId === id);
}

export function hasHeads(state: MemoryState, volumeId: VolumeId): boolean {
  return [...state.heads.values()].some((head) => head.volumeId === volumeId);
}

/** Returns layers named by heads, recent history (`limits.historyMs`), pins of sessions, or recent squashes (`limits.revocationMs`). */
export function layersInUse(state: MemoryState, nowMs: number): ReadonlySet<LayerId> {
  const recent = [...state.history.values()].flat().filter((row) => row.atMs >= nowMs - limits.historyMs);
  const squashes = [...state.squashes.values()].flat().filter(({ atMs }) => atMs >= nowMs - limits.revocationMs);
  return new Set([
    ...[...state.heads.values()].flatMap((head) => head.layers),
    ...recent.flatMap((row) => (row.layer === null ? row.layers : [...row.layers, row.layer])),
    ...[...state.sessions.values()].flatMap((session) => session.pins),
    ...squashes.flatMap(({ layers }) => layers),
  ]);
}

/** Runs a body as a transaction. A body that throws must not have changed anything. */
export function transact<T>(signal: AbortSignal, body: () => T): Promise<T> {
  return new Promise((resolve) => {
    if (signal.aborted) throw new CachelaneError('E_ABORTED', 'stopped before it was done', { cause: signal.reason });
    resolve(body());
  });
}
