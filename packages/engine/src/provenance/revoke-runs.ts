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
import type { EngineDependencies } from '../engine.ts';
import { squashesOf } from '../known-squashes.ts';
import { removeRuns, type FetchedLayers } from '../remove-runs.ts';
import { Origins, readersOf } from './origins.ts';

export type RevokeDependencies = Pick<EngineDependencies, 'metadata' | 'layers' | 'clock' | 'bootId' | 'tools'>;

export interface RevocationPlan {
  /** That which was named, then those that go with it. */
  readonly runs: readonly RunId[];
  /** Runs that had entries of those in view and are not revoked; in the order in which they ran. */
  readonly readers: readonly RunId[];
  /** Heads here that name one of the runs. */
  readonly heads: readonly AffectedHead[];
}

export interface AffectedHead {
  readonly volume: VolumeRecord;
  readonly head: HeadRecord;
}

/** What a revocation would come to here; changes nothing. `cascade`: whoever read what goes, goes as well, and so on. */
export async function planRevocation(
  { metadata, layers }: Pick<RevokeDependencies, 'metadata' | 'layers'>,
  { run, cascade }: { readonly run: RunId; readonly cascade: boolean },
  signal: AbortSignal,
): Promise<RevocationPlan> {
  const origins = new Origins(layers, signal);
  const runs = new Set([run]);
  if (cascade) await addReaders({ metadata, origins }, runs, signal);
  const readers = cascade ? [] : await readersOf({ metadata, origins }, runs, signal);
  const volumes = new Map((await metadata.listVolumes(signal)).map((volume) => [volume.id, volume]));
  const heads: AffectedHead[] = [];
  for (const head of await metadata.listHeads(signal)) {
    const volume = volumes.get(head.volumeId);
    const squashes = await squashesOf(metadata, head, signal);
    const ids = [...head.layers, ...squashes.within(head.layers).flatMap((squash) => squash.layers)];
    for (const id of volume === undefined ? [] : ids) {
      if (!(await origins.names(id, runs))) continue;
      heads.push({ volume: volume as VolumeRecord, head });
      break;
    }
  }
  return { runs: [...runs], readers, heads };
}

/** Until nobody else is left who read from one of them. */
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
  /** On whose behalf heads move. */
  readonly by: RunId;
  /** Null: there is no remote to ask. */
  readonly fetchReplaced: ((affected: AffectedHead) => Promise<FetchedLayers>) | null;
}

/**
 * Writes down that the runs are revoked, and takes them out of every head here. Again after a crash it goes on. Returns the heads that moved. Errors: E_HEAD_MOVED, and
 * those of the layer store.
 */
export async function revokeHere(
  deps: RevokeDependencies,
  { plan, revocations, by, fetchReplaced }: RevocationRequest,
  signal: AbortSignal,
): Promise<readonly HeadRecord[]> {
  // A person says it: it counts for all that is here.
  await deps.metadata.revokeRuns(
    revocations.map((each) => ({ ...each, namespaceId: null })),
    signal,
  );
  const runs = new Set(plan.runs);
  const moved: HeadRecord[] = [];
  for (const { volume, head } of plan.heads) {
    const request = {
      volumeId: volume.id,
      lane: head.lane,
      tool: toolOf(deps.tools, volume),
      runs,
      by,
      fetchReplaced:
        fetchReplaced === null ? null : async (now: HeadRecord) => await fetchReplaced({ volume, head: now }),
    };
    const after = await removeRuns(deps, request, signal);
    if (after !== undefined && after.generation !== head.generation) moved.push(after);
  }
  return moved;
}

/** A volume of a tool that is not known here has no drivers: names that point at what goes stay. */
export function toolOf(tools: readonly Tool[], { tool }: Pick<VolumeRecord, 'tool'>): Tool {
  const found = tools.find(({ name }) => name === tool) ?? tools.find(({ name }) => name === unknownToolName);
  if (found === undefined) throw new CachelaneError('E_VOLUME', `there is no tool named ${tool}`);
  return found;
}
