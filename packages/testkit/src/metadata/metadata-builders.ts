import {
  digestOf,
  newId,
  type ChainLink,
  type CollectionQuestion,
  type CommitRequest,
  type Compat,
  type HeadRecord,
  type LaneName,
  type LayerCounts,
  type LayerId,
  type LayerRecord,
  type Metadata,
  type Namespace,
  type NamespaceId,
  type OpenedVolume,
  type OpenSessionRequest,
  type OpenVolume,
  type RecordSyncedRequest,
  type RemoteId,
  type RunId,
  type RunRecord,
  type SessionId,
  type Sync,
  type VolumeId,
  type VolumeName,
} from '@cachelane/core';

/** Never aborted. */
export const noAbort: AbortSignal = new AbortController().signal;

export const aNamespace = (path: string): Namespace => path as Namespace;
export const aLane = (name: string): LaneName => name as LaneName;
/** The same id for the same text. */
export const aLayer = (text: string): LayerId => digestOf(text) as LayerId;
/** The same id for the same text. */
export const aRemote = (text: string): RemoteId => digestOf(text).slice(0, 32) as RemoteId;

export const local: LaneName = aLane('t1:local');
export const main: LaneName = aLane('t2:ref:main');
export const web: Namespace = aNamespace('github.com/acme/web');
export const noCounts: LayerCounts = { added: 0, changed: 0, removed: 0, sizeBytes: 0 };
/** 2026-01-01. */
export const startMs = 1_767_225_600_000;

export interface TestIds {
  namespace(): NamespaceId;
  volume(): VolumeId;
  session(): SessionId;
  run(): RunId;
}

/** Ids that count up from `first`, so that failures are reproducible. */
export function countingIds(first = 1): TestIds {
  let next = first;
  const bytes = (): Uint8Array => {
    const count = next++;
    return Uint8Array.from({ length: 16 }, (_, index) => (index < 12 ? 0 : (count >>> (8 * (15 - index))) & 0xff));
  };
  return {
    namespace: () => newId('namespace', bytes()),
    volume: () => newId('volume', bytes()),
    session: () => newId('session', bytes()),
    run: () => newId('run', bytes()),
  };
}

interface VolumeOptions {
  readonly name?: string;
  readonly compat?: Compat;
  readonly tool?: string;
  readonly sync?: Sync | null;
  /** Default: `web` on lane `local`. */
  readonly chain?: readonly ChainLink[];
  readonly lock?: boolean;
}

function openVolume(ids: TestIds, options: VolumeOptions = {}): OpenVolume {
  return {
    name: (options.name ?? 'npm') as VolumeName,
    compat: options.compat ?? {},
    tool: options.tool ?? 'npm',
    sync: options.sync ?? null,
    chain: options.chain ?? [{ namespace: web, lane: local }],
    freshId: ids.volume(),
    freshNamespaceId: ids.namespace(),
    lock: options.lock ?? false,
  };
}

type OpenOptions = Partial<Omit<OpenSessionRequest, 'run' | 'volumes'>> & {
  readonly lane?: LaneName;
  /** Default: one volume `npm`. */
  readonly volumes?: readonly VolumeOptions[];
};

/** A session of namespace `web` on lane `local` by default. */
export function openRequest(ids: TestIds, options: OpenOptions = {}): OpenSessionRequest {
  const { lane = local, volumes = [{}], namespace = web, atMs = startMs, ...rest } = options;
  return {
    sessionId: ids.session(),
    run: { id: ids.run(), lane, startedAtMs: atMs, revision: null, workflow: null, purpose: 'run' },
    namespace,
    freshNamespaceId: ids.namespace(),
    directory: null,
    adoptFrom: null,
    mayWrite: true,
    reads: true,
    volumes: volumes.map((volume) => openVolume(ids, { chain: [{ namespace, lane }], ...volume })),
    targets: [],
    bootId: 'boot-1',
    atMs,
    ...rest,
  };
}

export function layerRecord(id: LayerId, volumeId: VolumeId, run: RunId): LayerRecord {
  const counts: LayerCounts = { added: 3, changed: 2, removed: 1, sizeBytes: 4096 };
  return { id, volumeId, run, counts, files: 5, sealedAtMs: startMs, bootId: 'boot-1' };
}

export interface PushOptions {
  readonly volumeId: VolumeId;
  /** The head to push onto; undefined for none. */
  readonly onto: Pick<HeadRecord, 'generation' | 'layers'> | undefined;
  readonly layer: LayerId;
  readonly run: RunId;
  readonly lane?: LaneName;
  readonly atMs?: number;
}

/** A commit that puts one new layer on top. */
export function pushRequest(options: PushOptions): CommitRequest {
  const record = layerRecord(options.layer, options.volumeId, options.run);
  return {
    volumeId: options.volumeId,
    lane: options.lane ?? local,
    expectedGeneration: options.onto?.generation ?? 0,
    layers: [options.layer, ...(options.onto?.layers ?? [])],
    layer: record,
    run: options.run,
    counts: record.counts,
    atMs: options.atMs ?? startMs,
  };
}

/** A collection's question about every lane by default. */
export function aQuestion(options: Partial<CollectionQuestion> = {}): CollectionQuestion {
  return { lanes: 'all', nowMs: startMs, user: {}, gone: [], layers: [], volumes: [], namespace: null, ...options };
}

export type SyncedOptions = Pick<RecordSyncedRequest, 'volumeId' | 'layers'> & Partial<RecordSyncedRequest>;

/** The first sync record of a head with remote `hub` by default. */
export function syncedRequest(options: SyncedOptions): RecordSyncedRequest {
  return { remote: aRemote('hub'), lane: local, expectedRevision: 0, atMs: startMs, ...options };
}

/** A run of another machine, from a remote. */
export function remoteRun(ids: TestIds, options: Partial<RunRecord> = {}): RunRecord {
  return {
    id: ids.run(),
    namespaceId: ids.namespace(),
    lane: local,
    startedAtMs: startMs,
    revision: 'c0ffee',
    workflow: 'ci.yml',
    purpose: 'run',
    ...options,
  };
}

export interface OpenedForTest {
  readonly request: OpenSessionRequest;
  /** The first volume. */
  readonly opened: OpenedVolume;
  readonly volumeId: VolumeId;
  readonly run: RunId;
}

export async function openOne(metadata: Metadata, request: OpenSessionRequest): Promise<OpenedForTest> {
  const session = await metadata.openSession(request, noAbort);
  const opened = session.volumes[0];
  if (opened === undefined) throw new Error('the request has no volume');
  return { request, opened, volumeId: opened.volume.id, run: request.run.id };
}

/** Pushes a layer with compare-and-swap retries, like a run. */
export async function pushLayer(metadata: Metadata, options: Omit<PushOptions, 'onto'>): Promise<HeadRecord> {
  let head = await metadata.head(options.volumeId, options.lane ?? local, noAbort);
  for (;;) {
    const result = await metadata.commit(pushRequest({ ...options, onto: head }), noAbort);
    if (result.kind === 'moved') return result.head;
    head = result.head ?? undefined;
  }
}
