import {
  CachelaneError,
  dataKey,
  displayPath,
  indexKey,
  isCachelaneError,
  limits,
  type LayerStore,
  type ManifestLayer,
  type ObjectContent,
  type Remote,
  type RemoteKey,
  type StagedLayer,
  type Tool,
  type TransferFiles,
  type Clock,
} from '@cachelane/core';
import { neverAborted } from '../../base/never-aborted.ts';
import { secretIn } from '../../volumes/secret-in.ts';

export interface PullDependencies {
  readonly remote: Remote;
  readonly layers: LayerStore;
  readonly transfers: TransferFiles;
  readonly clock: Clock;
}

export interface LayerPull {
  readonly layer: ManifestLayer;
  /** Null: a tool that is unknown here; its rules are not applied. */
  readonly tool: Tool | null;
  /** Called with the number of bytes received. */
  readonly onBytes: (count: number) => void;
}

/**
 * Pulls and publishes one layer; no head refers to it yet. E_LAYER_MISSING, E_OBJECT_CORRUPT and E_LAYER_REFUSED concern this layer only.
 * Other errors: those of the remote and the layer store.
 */
export async function pullLayer(deps: PullDependencies, pull: LayerPull, signal: AbortSignal): Promise<StagedLayer> {
  const { layer } = pull;
  const index = await readIndex(deps.remote, pull, signal);
  if (layer.data.sizeBytes < limits.resumableBytes) {
    return await takeIn(deps, pull, { index, data: whole(deps, pull, signal) }, signal);
  }
  await using partial = await deps.transfers.resume(layer.data.digest, signal);
  try {
    const staged = await resumed(deps, pull, { index, partial }, signal);
    await partial.discard();
    return staged;
  } catch (error) {
    // A damaged or too large partial download would only take up space.
    if (isAboutLayer(error) || isCachelaneError(error, 'E_DISK_FULL')) await partial.discard();
    throw error;
  }
}

/** Downloads and verifies a layer, and keeps nothing. Errors as {@link pullLayer}. */
export async function checkLayer(
  deps: Omit<PullDependencies, 'transfers'>,
  pull: LayerPull,
  signal: AbortSignal,
): Promise<void> {
  const index = await readIndex(deps.remote, pull, signal);
  const staged = await check(deps, pull, { index, data: whole(deps, pull, signal) }, signal);
  await deps.layers.unstage(staged, neverAborted);
}

type Partial = Awaited<ReturnType<TransferFiles['resume']>>;

interface Resumption {
  readonly index: Uint8Array;
  readonly partial: Partial;
}

/** Resumes a partial download; starts again if the earlier part is damaged. */
async function resumed(
  deps: PullDependencies,
  pull: LayerPull,
  { index, partial }: Resumption,
  signal: AbortSignal,
): Promise<StagedLayer> {
  if (partial.haveBytes === 0) {
    return await takeIn(deps, pull, { index, data: kept(whole(deps, pull, signal), partial) }, signal);
  }
  try {
    return await takeIn(deps, pull, { index, data: rest(deps, pull, partial, signal) }, signal);
  } catch (error) {
    if (!isAboutLayer(error)) throw error;
    await partial.discard();
    return await takeIn(deps, pull, { index, data: whole(deps, pull, signal) }, signal);
  }
}

/** Whether an error concerns one layer only, not the remote or this machine. */
export function isAboutLayer(error: unknown): boolean {
  return isCachelaneError(error, 'E_LAYER_MISSING', 'E_LAYER_REFUSED', 'E_LAYER_CORRUPT', 'E_OBJECT_CORRUPT');
}

/** Errors: E_LAYER_MISSING, E_OBJECT_CORRUPT, and those of the remote. */
export async function readIndex(
  remote: Remote,
  pull: Pick<LayerPull, 'layer' | 'onBytes'>,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { id, indexBytes } = pull.layer;
  const pieces: Uint8Array[] = [];
  const content = { sizeBytes: indexBytes, digest: id };
  for await (const piece of download(remote, pull, { key: indexKey(id), content }, signal)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Verifies the digest of the whole. Unpacking checks each file against the index, so this only tells whether the remote or this machine is at fault. */
function whole(
  deps: Pick<PullDependencies, 'remote'>,
  pull: LayerPull,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const { data } = pull.layer;
  return download(deps.remote, pull, { key: dataKey(data.digest), content: data }, signal);
}

async function* kept(pieces: AsyncIterable<Uint8Array>, partial: Partial): AsyncIterable<Uint8Array> {
  for await (const piece of pieces) {
    await partial.append(piece);
    yield piece;
  }
}

async function* rest(
  deps: PullDependencies,
  pull: LayerPull,
  partial: Partial,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const { data } = pull.layer;
  if (partial.haveBytes > data.sizeBytes)
    throw new CachelaneError('E_OBJECT_CORRUPT', 'the partial download is larger than the object');
  yield* partial.read();
  if (partial.haveBytes === data.sizeBytes) return;
  const request = { key: dataKey(data.digest), content: data, offset: partial.haveBytes };
  yield* kept(download(deps.remote, pull, request, signal), partial);
}

interface Download {
  readonly key: RemoteKey;
  readonly content: ObjectContent;
  readonly offset?: number;
}

async function* download(
  remote: Remote,
  { onBytes }: Pick<LayerPull, 'onBytes'>,
  { key, content, offset = 0 }: Download,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const found = await remote.objects.get(key, offset === 0 ? { expect: content } : { offset }, signal);
  if (found === undefined) throw new CachelaneError('E_LAYER_MISSING', `${remote.name} has no ${key}`);
  if (found.sizeBytes !== content.sizeBytes) {
    throw new CachelaneError(
      'E_OBJECT_CORRUPT',
      `${key} in ${remote.name} has ${found.sizeBytes} bytes, not ${content.sizeBytes}`,
    );
  }
  for await (const piece of found.data) {
    onBytes(piece.byteLength);
    yield piece;
  }
}

async function takeIn(
  deps: PullDependencies,
  pull: LayerPull,
  content: Content,
  signal: AbortSignal,
): Promise<StagedLayer> {
  const staged = await check(deps, pull, content, signal);
  await deps.layers.publish(staged, signal);
  return staged;
}

interface Content {
  readonly index: Uint8Array;
  readonly data: AsyncIterable<Uint8Array>;
}

async function check(
  { layers, clock }: Pick<PullDependencies, 'layers' | 'clock'>,
  { layer, tool }: LayerPull,
  { index, data }: Content,
  signal: AbortSignal,
): Promise<StagedLayer> {
  // The time this store first had it: times in the layer are at most that.
  const staged = await layers.unpack({ id: layer.id, index, data, sealedAtMs: clock.nowMs() }, signal);
  const secret = tool === null ? null : secretIn(staged.index, tool);
  if (secret !== null) {
    await layers.unstage(staged, neverAborted);
    throw new CachelaneError('E_LAYER_REFUSED', `${displayPath(secret)} holds credentials, which are never stored`);
  }
  return staged;
}
