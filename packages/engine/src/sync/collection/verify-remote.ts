import {
  aboutKey,
  asCachelaneError,
  decodeAbout,
  headKey,
  isCachelaneError,
  newAttempt,
  type HeadManifest,
  type HeadName,
  type LayerId,
  type ManifestLayer,
  type Remote,
  type RemoteHead,
  type RemoteKey,
} from '@cachelane/core';
import type { EngineDependencies } from '../../model/engine-dependencies.ts';
import type { OnProgress } from '../../model/progress-update.ts';
import { changeHead } from '../heads/change-head.ts';
import { everyLayerOf } from '../heads/compare-heads.ts';
import { headKeys, manifestAt } from '../heads/listed-heads.ts';
import { collectionKey, decodeCollection } from '../heads/remote-collection.ts';
import { checkLayer, isAboutLayer, type LayerPull } from '../layers/pull-layer.ts';

export type RemoteVerifyDependencies = Pick<EngineDependencies, 'layers' | 'clock' | 'random' | 'tools'> & {
  readonly remote: Remote;
};

/** A layer of a remote that no pull would accept, and the heads that name it. */
interface FaultyRemoteLayer {
  readonly id: LayerId;
  readonly problem: string;
  readonly heads: readonly HeadName[];
}

/** A head that cannot be read, the remote's own id (`aboutKey`) or its collection state (`collectionKey`). */
interface FaultyRemoteHead {
  readonly key: RemoteKey;
  readonly problem: string;
}

export interface RemoteVerification {
  /** Number of heads and layers that were read. */
  readonly heads: number;
  readonly layers: number;
  readonly faultyLayers: readonly FaultyRemoteLayer[];
  readonly faultyHeads: readonly FaultyRemoteHead[];
}

interface Named {
  readonly layer: ManifestLayer;
  readonly tool: string;
  readonly heads: HeadName[];
}

/** Reads and checks every head of a remote and every layer that they name. Changes nothing. */
export async function verifyRemote(
  deps: RemoteVerifyDependencies,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<RemoteVerification> {
  const named = new Map<LayerId, Named>();
  const faultyHeads: FaultyRemoteHead[] = [];
  let heads = 0;
  const noteHead = async (key: RemoteKey): Promise<void> => {
    const found = await readSound(deps.remote, key, signal);
    if (found.kind === 'unreadable') faultyHeads.push({ key, problem: found.problem });
    if (found.kind === 'manifest') noteLayers(named, found.manifest);
  };
  await noteHead(aboutKey);
  await noteHead(collectionKey);
  for await (const key of headKeys(deps.remote, signal)) {
    heads++;
    await noteHead(key);
  }
  const faultyLayers: FaultyRemoteLayer[] = [];
  const total = [...named.values()].reduce((sum, { layer }) => sum + layer.indexBytes + layer.data.sizeBytes, 0);
  let done = 0;
  const onBytes = (count: number): void => {
    done += count;
    onProgress({ activity: 'verifying', done, total, unit: 'bytes' });
  };
  for (const { layer, tool: toolName, heads: hurt } of named.values()) {
    const tool = deps.tools.find(({ name }) => name === toolName) ?? null;
    const problem = await problemOf(deps, { layer, tool, onBytes }, signal);
    if (problem !== null) faultyLayers.push({ id: layer.id, problem, heads: hurt });
  }
  return { heads, layers: named.size, faultyLayers, faultyHeads };
}

/**
 * Removes damaged layers from the heads that name them, and deletes heads that cannot be read. Machines that have those layers send them
 * again with their next push. Returns how many heads moved.
 */
export async function repairRemote(
  deps: RemoteVerifyDependencies,
  { faultyLayers, faultyHeads }: RemoteVerification,
  signal: AbortSignal,
): Promise<number> {
  const bad = new Set(faultyLayers.map(({ id }) => id));
  const names = new Map(faultyLayers.flatMap(({ heads }) => heads.map((name) => [headKey(name), name])));
  let moved = 0;
  for (const name of names.values()) {
    if (await changeHead(deps, name, (manifest) => without(manifest, bad), signal)) moved++;
  }
  for (const { key } of faultyHeads) if (await dropHead(deps, key, signal)) moved++;
  return moved;
}

type FoundHead =
  | { readonly kind: 'manifest'; readonly manifest: HeadManifest }
  /** No head, the remote's own id, or its collection state. */
  | { readonly kind: 'other' }
  /** `head` is null if the driver cannot read it. */
  | { readonly kind: 'unreadable'; readonly problem: string; readonly head: RemoteHead | null };

async function readSound(remote: Remote, key: RemoteKey, signal: AbortSignal): Promise<FoundHead> {
  let head: RemoteHead | null = null;
  try {
    head = (await remote.heads.read(key, signal)) ?? null;
    if (head === null) return { kind: 'other' };
    if (key !== aboutKey && key !== collectionKey) return { kind: 'manifest', manifest: manifestAt(key, head) };
    if (key === aboutKey) decodeAbout(head.bytes);
    else decodeCollection(head.bytes);
    return { kind: 'other' };
  } catch (error) {
    if (!isCachelaneError(error, 'E_OBJECT_CORRUPT')) throw error;
    return { kind: 'unreadable', problem: error.message, head };
  }
}

function noteLayers(named: Map<LayerId, Named>, manifest: HeadManifest): void {
  const { namespace, volume, compat, lane, tool } = manifest;
  const name = { namespace, volume, compat, lane };
  for (const layer of everyLayerOf(manifest)) {
    const known = named.get(layer.id);
    if (known === undefined) named.set(layer.id, { layer, tool, heads: [name] });
    else known.heads.push(name);
  }
}

async function problemOf(deps: RemoteVerifyDependencies, pull: LayerPull, signal: AbortSignal): Promise<string | null> {
  try {
    await checkLayer(deps, pull, signal);
    return null;
  } catch (error) {
    if (isAboutLayer(error)) return asCachelaneError(error).message;
    throw error;
  }
}

function without(manifest: HeadManifest, bad: ReadonlySet<LayerId>): HeadManifest | null {
  // Not recorded as removed: it is lost.
  const layers = manifest.layers.flatMap((layer) => (bad.has(layer.id) ? partsOf(manifest, layer.id, bad) : [layer]));
  const squashes = manifest.squashes.filter(
    ({ id, layers: parts }) => !bad.has(id) && !parts.some((part) => bad.has(part.id)),
  );
  if (layers.length === manifest.layers.length && squashes.length === manifest.squashes.length) return null;
  const changed = { ...manifest, layers, squashes };
  const left = new Set([...everyLayerOf(changed).map(({ id }) => id), ...bad]);
  // A squash with a lost part can no longer be opened, so it becomes an ordinary layer.
  const replaced = everyLayerOf(manifest).flatMap(({ id }) => (left.has(id) ? [] : [id]));
  return { ...changed, removed: [...replaced, ...manifest.removed] };
}

/** Returns the sound layers that a damaged squash replaced. */
function partsOf(manifest: HeadManifest, squash: LayerId, bad: ReadonlySet<LayerId>): readonly ManifestLayer[] {
  const parts = manifest.squashes.find(({ id }) => id === squash)?.layers ?? [];
  return parts.flatMap((part) => (bad.has(part.id) ? partsOf(manifest, part.id, bad) : [part]));
}

/** Deletes an unreadable head, unless another client has replaced it. */
async function dropHead(
  { remote, random }: RemoteVerifyDependencies,
  key: RemoteKey,
  signal: AbortSignal,
): Promise<boolean> {
  const found = await readSound(remote, key, signal);
  if (found.kind !== 'unreadable') return false;
  const { heads } = remote;
  const attempt = newAttempt(random.bytes(16));
  const { kind } =
    found.head === null
      ? await heads.removeDamaged({ key, attempt }, signal)
      : await heads.remove({ key, expected: found.head.version, attempt }, signal);
  return kind === 'removed';
}
