import {
  asCachelaneError,
  headKey,
  limits,
  newId,
  type CachelaneError,
  type HeadName,
  type HeadRecord,
  type Remote,
  type RemoteId,
  type Squashes,
  type VolumeRecord,
} from '@cachelane/core';
import type { EngineDependencies } from '../../model/engine-dependencies.ts';
import { squashesOf } from '../../heads/known-squashes.ts';
import { namesRunIn } from '../../heads/take-apart.ts';
import { byteProgress } from '../heads/byte-progress.ts';
import { everyLayerOf, layersOf } from '../heads/compare-heads.ts';
import { isPending, waitingOf, type Waiting } from '../heads/pending.ts';
import { pushHead, type PushedHead } from './push-head.ts';
import { mayOthersBeSent } from './push-volumes.ts';
import { ensureRemoteId, readHead, readRemoteId } from '../heads/remote-heads.ts';
import { isShared } from '../heads/synced-volumes.ts';

export type PendingDependencies = Pick<
  EngineDependencies,
  'metadata' | 'layers' | 'transfers' | 'clock' | 'random' | 'tools' | 'bootId' | 'events'
> & { readonly remote: Remote };

/** A head with changes that the remote does not have. */
export interface PendingHead extends Waiting {
  readonly name: HeadName;
  readonly volume: VolumeRecord;
  /** Null: no client has written to the remote yet. */
  readonly remoteId: RemoteId | null;
}

export interface PendingSearch {
  /** `known`: lanes that runs sent to this remote, found in it, or left to be sent. Otherwise all shared lanes. */
  readonly lanes?: 'all' | 'known';
  /** Also reads each remote head, one request each. Local records miss repairs of the remote and restored backups. */
  readonly looks?: boolean;
}

/** Returns pending heads of the shared lanes here. */
export async function findPending(
  { metadata, layers, clock, remote, tools }: PendingDependencies,
  signal: AbortSignal,
  { lanes = 'all', looks = false }: PendingSearch = {},
): Promise<readonly PendingHead[]> {
  const remoteId = await readRemoteId(remote, signal);
  const volumes = new Map((await metadata.listVolumes(signal)).map((volume) => [volume.id, volume]));
  const paths = new Map((await metadata.listNamespaces(signal)).map(({ id, paths: [path] }) => [id, path]));
  const pending: PendingHead[] = [];
  for (const head of await metadata.listHeads(signal)) {
    const { volumeId } = head;
    const volume = volumes.get(volumeId);
    const namespace = volume === undefined ? undefined : paths.get(volume.namespaceId);
    if (volume === undefined || namespace === undefined) continue;
    const name = { namespace, volume: volume.name, compat: volume.compat, lane: head.lane };
    if (!isShared(tools, volume, name)) continue;
    const synced = remoteId === null ? undefined : await metadata.syncedHead(remoteId, volumeId, head.lane, signal);
    if (lanes === 'known' && synced === undefined) continue;
    const squashes = await squashesOf(metadata, head, signal);
    const lane = { head, synced, squashes };
    const bad = await namedRevoked({ metadata, layers, clock }, { volume, head, squashes }, signal);
    if (isPending(lane) || bad > 0) {
      const { layers: news, removals } = waitingOf(lane);
      pending.push({ name, volume, remoteId, layers: news, removals: removals + bad });
    } else if (looks && remoteId !== null) {
      const lost = await lostThere(remote, { name, head, squashes }, signal);
      if (lost > 0) pending.push({ name, volume, remoteId, layers: lost, removals: 0 });
    }
  }
  return pending;
}

/**
 * Returns a head's layers with changes of recently revoked runs. Their revocation was interrupted; a push removes them locally and in the
 * remote.
 */
async function namedRevoked(
  { metadata, layers, clock }: Pick<PendingDependencies, 'metadata' | 'layers' | 'clock'>,
  { volume, head, squashes }: { readonly volume: VolumeRecord; readonly head: HeadRecord; readonly squashes: Squashes },
  signal: AbortSignal,
): Promise<number> {
  const sinceMs = clock.nowMs() - limits.revocationMs;
  const revoked = (await metadata.revokedRuns(volume.namespaceId, signal)).filter(({ atMs }) => atMs >= sinceMs);
  const runs = new Set(revoked.map(({ run }) => run));
  let count = 0;
  for (const id of runs.size === 0 ? [] : head.layers) {
    for (const each of [id, ...squashes.expand([id])]) {
      if (!(await namesRunIn(layers, { id: each, runs }, signal))) continue;
      count += 1;
      break;
    }
  }
  return count;
}

/** Returns layers that the remote's head neither names nor lists as removed; all of them if it cannot be read. */
async function lostThere(
  remote: Remote,
  { name, head, squashes }: { readonly name: HeadName; readonly head: HeadRecord; readonly squashes: Squashes },
  signal: AbortSignal,
): Promise<number> {
  try {
    const { manifest } = await readHead(remote, headKey(name), name, signal);
    const named = [...everyLayerOf(manifest).map(({ id }) => id), ...squashes.expand(layersOf(manifest))];
    const known = new Set([...named, ...(manifest?.removed ?? [])]);
    return squashes.expand(head.layers).filter((id) => !known.has(id)).length;
  } catch (error) {
    if (mayOthersBeSent(error)) return head.layers.length;
    throw error;
  }
}

export type PushOutcome =
  | ({ readonly kind: 'sent' } & PushedHead)
  /** Other heads may still be sent. */
  | { readonly kind: 'failed'; readonly error: CachelaneError };

/** Pushes one head. Errors: those of the remote; E_REMOTE_UNFIT if it is the first write there. */
export async function pushPending(
  deps: PendingDependencies,
  { name, volume, remoteId: known }: PendingHead,
  signal: AbortSignal,
): Promise<PushOutcome> {
  const remoteId = known ?? (await ensureRemoteId(deps.remote, deps.random, signal));
  const place = { remoteId, volumeId: volume.id, namespaceId: volume.namespaceId, name };
  const onBytes = byteProgress(deps, { activity: 'pushing', volume: volume.name, total: null });
  const run = newId('run', deps.random.bytes(16));
  try {
    return { kind: 'sent', ...(await pushHead(deps, { place, tool: volume.tool, run, onBytes }, signal)) };
  } catch (thrown) {
    if (!mayOthersBeSent(thrown)) throw thrown;
    return { kind: 'failed', error: asCachelaneError(thrown) };
  }
}
