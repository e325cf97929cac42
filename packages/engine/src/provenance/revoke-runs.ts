import {
  CachelaneError,
  unknownToolName,
  type HeadRecord,
  type Metadata,
  type Revocation,
  type RunId,
  type Tool,
  type VolumeRecord,
} from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { squashesOf } from '../heads/known-squashes.ts';
import { removeRuns, type FetchedLayers } from '../removal/remove-runs.ts';
import { Origins, readersOf } from './origins.ts';

export type RevokeDependencies = Pick<EngineDependencies, 'metadata' | 'layers' | 'clock' | 'bootId' | 'tools'>;

export interface RevocationPlan {
  /** The named run first, then those revoked with it. */
  readonly runs: readonly RunId[];
  /** Readers that are not revoked, in the order in which they ran. */
  readonly readers: readonly RunId[];
  /** Local heads that name one of the runs. */
  readonly heads: readonly AffectedHead[];
  /** All examined heads. */
  readonly looked: readonly HeadRecord[];
}

export interface AffectedHead {
  readonly volume: VolumeRecord;
  readonly head: HeadRecord;
}

/** Returns what a revocation would do here; changes nothing. `cascade` also revokes readers, and their readers. */
export async function planRevocation(
  { metadata, layers }: Pick<RevokeDependencies, 'metadata' | 'layers'>,
  { run, cascade }: { readonly run: RunId; readonly cascade: boolean },
  signal: AbortSignal,
): Promise<RevocationPlan> {
  const origins = new Origins(layers, signal);
  const runs = new Set([run]);
  if (cascade) await addReaders({ metadata, origins }, runs, signal);
  const readers = cascade ? [] : await readersOf({ metadata, origins }, runs, signal);
  const looked = await metadata.listHeads(signal);
  const heads = await affectedAmong({ metadata, origins }, { heads: looked, runs }, signal);
  return { runs: [...runs], readers, heads, looked };
}

/** Returns the heads that name one of the runs, also through replaced layers. */
async function affectedAmong(
  { metadata, origins }: { readonly metadata: Metadata; readonly origins: Origins },
  { heads, runs }: { readonly heads: readonly HeadRecord[]; readonly runs: ReadonlySet<RunId> },
  signal: AbortSignal,
): Promise<readonly AffectedHead[]> {
  const affected: AffectedHead[] = [];
  if (heads.length === 0) return affected;
  const volumes = new Map((await metadata.listVolumes(signal)).map((volume) => [volume.id, volume]));
  for (const head of heads) {
    const volume = volumes.get(head.volumeId);
    const squashes = await squashesOf(metadata, head, signal);
    const ids = [...head.layers, ...squashes.within(head.layers).flatMap((squash) => squash.layers)];
    for (const id of volume === undefined ? [] : ids) {
      if (!(await origins.names(id, runs))) continue;
      affected.push({ volume: volume as VolumeRecord, head });
      break;
    }
  }
  return affected;
}

/** Adds readers until there are no more. */
async function addReaders(
  deps: { readonly metadata: Metadata; readonly origins: Origins },
  runs: Set<RunId>,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const readers = await readersOf(deps, runs, signal);
    if (readers.length === 0) return;
    for (const reader of readers) runs.add(reader);
  }
}

export interface RevocationRequest {
  readonly plan: RevocationPlan;
  readonly revocations: readonly Revocation[];
  /** The run that moves heads. */
  readonly by: RunId;
  /** Null: there is no remote. */
  readonly fetchReplaced: ((affected: AffectedHead) => Promise<FetchedLayers>) | null;
}

/**
 * Records the revocation, then removes the runs from every local head. From then on no head can name them. Repeating it after a crash
 * continues. Returns the heads that named them. Errors: E_HEAD_MOVED, and those of the layer store.
 */
export async function revokeHere(
  deps: RevokeDependencies,
  { plan, revocations, by, fetchReplaced }: RevocationRequest,
  signal: AbortSignal,
): Promise<readonly AffectedHead[]> {
  // A person decided this, so it counts for all namespaces.
  await deps.metadata.revokeRuns(
    revocations.map((each) => ({ ...each, namespaceId: null })),
    signal,
  );
  const runs = new Set(plan.runs);
  const heads = [...plan.heads, ...(await affectedSince(deps, plan, signal))];
  for (const { volume, head } of heads) {
    const request = {
      volumeId: volume.id,
      lane: head.lane,
      tool: toolOf(deps.tools, volume),
      runs,
      by,
      fetchReplaced:
        fetchReplaced === null ? null : async (now: HeadRecord) => await fetchReplaced({ volume, head: now }),
    };
    await removeRuns(deps, request, signal);
  }
  return heads;
}

async function affectedSince(
  { metadata, layers }: RevokeDependencies,
  { runs, heads, looked }: RevocationPlan,
  signal: AbortSignal,
): Promise<readonly AffectedHead[]> {
  const known = new Map(looked.map((head) => [keyOf(head), head.generation]));
  const planned = new Set(heads.map(({ head }) => keyOf(head)));
  const since = (await metadata.listHeads(signal)).filter(
    (head) => !planned.has(keyOf(head)) && known.get(keyOf(head)) !== head.generation,
  );
  const origins = new Origins(layers, signal);
  return await affectedAmong({ metadata, origins }, { heads: since, runs: new Set(runs) }, signal);
}

/** Throws E_VOLUME for an unknown tool: without its drivers, names of removed files would stay. */
export function toolOf(tools: readonly Tool[], { tool }: Pick<VolumeRecord, 'tool'>): Tool {
  const found = tools.find(({ name }) => name === tool) ?? tools.find(({ name }) => name === unknownToolName);
  if (found === undefined) throw new CachelaneError('E_VOLUME', `unknown tool ${tool}`);
  return found;
}

function keyOf({ volumeId, lane }: HeadRecord): string {
  return `${volumeId} ${lane}`;
}
