import {
  bytesSource,
  CachelaneError,
  dataKey,
  indexKey,
  type LayerId,
  type LayerStore,
  type ManifestLayer,
  type ManifestRun,
  type Metadata,
  type ObjectSource,
  type Remote,
  type RemoteKey,
  type RunId,
  type RunRecord,
  type StoredLayer,
  type TransferFiles,
} from '@cachelane/core';

export interface PushDependencies {
  readonly remote: Remote;
  readonly metadata: Metadata;
  readonly layers: LayerStore;
  readonly transfers: TransferFiles;
}

export interface PushedLayer {
  readonly layer: ManifestLayer;
  /** The run that made the layer, and others that its entries name. */
  readonly runs: readonly ManifestRun[];
  /** Bytes sent, without objects that the remote already had. */
  readonly bytes: number;
}

export interface LayerToPush {
  readonly id: LayerId;
  /** Objects marked for deletion: they must be stored again. */
  readonly marked: ReadonlySet<RemoteKey>;
  /** Called with the bytes sent; with a negative number when a retry sends them again. */
  readonly onBytes?: (count: number) => void;
}

/** Stores a layer's index and content; no head names it yet. Errors: those of the remote, E_LAYER_MISSING, E_LAYER_CORRUPT. */
export async function pushLayer(
  deps: PushDependencies,
  wanted: LayerToPush,
  signal: AbortSignal,
): Promise<PushedLayer> {
  const { metadata, layers } = deps;
  const { id } = wanted;
  const record = await metadata.layer(id, signal);
  const run = record === undefined ? undefined : await metadata.run(record.run, signal);
  if (record === undefined || run === undefined) {
    throw new CachelaneError('E_LAYER_MISSING', `layer ${id.slice(0, 12)} is not in the store any more`);
  }
  const sent = await sendLayer(deps, wanted, signal);
  return {
    layer: {
      id,
      run: record.run,
      counts: record.counts,
      files: record.files,
      sealedAtMs: record.sealedAtMs,
      indexBytes: sent.indexBytes,
      data: sent.data,
    },
    runs: await runsOf(deps, run, await layers.open(id, signal), signal),
    bytes: sent.bytes,
  };
}

export interface SentLayer extends Pick<ManifestLayer, 'indexBytes' | 'data'> {
  /** As {@link PushedLayer.bytes}. */
  readonly bytes: number;
}

/** Sends a local layer, whichever run made it. Errors as {@link pushLayer}. */
export async function sendLayer(
  { remote, layers, transfers }: Omit<PushDependencies, 'metadata'>,
  { id, marked, onBytes }: LayerToPush,
  signal: AbortSignal,
): Promise<SentLayer> {
  const { index, data } = await layers.pack(id, signal);
  await using spooled = await transfers.spool(data, signal);
  const { sizeBytes, digest } = spooled;
  const [dataBytes, indexBytes] = await Promise.all([
    store(remote, { key: dataKey(digest), source: counted(spooled, onBytes), marked }, signal),
    store(remote, { key: indexKey(id), source: counted(bytesSource(index), onBytes), marked }, signal),
  ]);
  return { indexBytes: index.length, data: { sizeBytes, digest }, bytes: dataBytes + indexBytes };
}

function counted(source: ObjectSource, onBytes: LayerToPush['onBytes']): ObjectSource {
  if (onBytes === undefined) return source;
  let sent = 0;
  return {
    ...source,
    async *read() {
      onBytes(-sent);
      sent = 0;
      for await (const piece of source.read()) {
        sent += piece.byteLength;
        onBytes(piece.byteLength);
        yield piece;
      }
    },
  };
}

async function runsOf(
  { metadata }: Pick<PushDependencies, 'metadata'>,
  maker: RunRecord,
  { index }: StoredLayer,
  signal: AbortSignal,
): Promise<readonly ManifestRun[]> {
  const ids = new Set<RunId>();
  for (const { origins } of index.entries()) for (const origin of origins) ids.add(origin);
  ids.delete(maker.id);
  const runs = [maker];
  for (const id of ids) {
    const run = await metadata.run(id, signal);
    if (run !== undefined) runs.push(run);
  }
  return runs.map(({ namespaceId: _, ...provenance }) => provenance);
}

interface Storing extends Pick<LayerToPush, 'marked'> {
  readonly key: RemoteKey;
  readonly source: ObjectSource;
}

/** Stores an object. An existing object with other bytes is damaged, because keys are digests, and is replaced. */
async function store(remote: Remote, { key, source, marked }: Storing, signal: AbortSignal): Promise<number> {
  for (const isLast of [false, true]) {
    const outcome = await remote.objects.put(key, source, signal);
    if (outcome.kind === 'stored') return source.sizeBytes;
    if (outcome.kind === 'present' && !marked.has(key)) return 0;
    if (outcome.kind === 'present') {
      await remote.objects.renew(key, source, signal);
      return source.sizeBytes;
    }
    if (!isLast) await remote.objects.remove(key, signal);
  }
  throw new CachelaneError('E_OBJECT_CORRUPT', `another client keeps storing other bytes as ${key} in ${remote.name}`);
}
