import {
  CachelaneError,
  type Entry,
  type HeadRecord,
  type LayerId,
  type LayerStore,
  type Metadata,
  type Revocation,
  type RunId,
  type RunRecord,
} from '@cachelane/core';
import { squashesOf } from '../heads/known-squashes.ts';
import { Origins, readersOf } from './origins.ts';

export interface TraceDependencies {
  readonly metadata: Metadata;
  readonly layers: LayerStore;
}

/** A layer of a head that names the run. */
interface TracedLayer {
  readonly id: LayerId;
  /** Part of a squash of the head; opening the squash brings it back. */
  readonly isReplaced: boolean;
  /** Entries with the run among their origins, sorted by path bytes. */
  readonly entries: readonly Entry[];
}

export interface TracedHead {
  readonly head: HeadRecord;
  /** Top first. */
  readonly layers: readonly TracedLayer[];
}

/** Where a run's changes are in this store, and which runs read them. */
export interface Trace {
  readonly run: RunId;
  /** Null: unknown run. */
  readonly record: RunRecord | null;
  readonly revoked: Revocation | null;
  /** Heads that name it, also only through replaced layers. */
  readonly heads: readonly TracedHead[];
  /** Runs that could read its entries, in order. */
  readonly readers: readonly RunId[];
}

/** Changes nothing. Errors: E_NOT_FOUND for an unknown run. */
export async function traceRun(
  { metadata, layers }: TraceDependencies,
  run: RunId,
  signal: AbortSignal,
): Promise<Trace> {
  const origins = new Origins(layers, signal);
  const runs = new Set([run]);
  const heads: TracedHead[] = [];
  for (const head of await metadata.listHeads(signal)) {
    const squashes = await squashesOf(metadata, head, signal);
    const replaced = squashes.within(head.layers).flatMap((squash) => squash.layers);
    const found: TracedLayer[] = [];
    for (const id of new Set([...head.layers, ...replaced])) {
      if (!(await origins.names(id, runs))) continue;
      const { index } = await layers.open(id, signal);
      const entries = [...index.entries()].filter((entry) => entry.origins.includes(run));
      found.push({ id, isReplaced: !head.layers.includes(id), entries });
    }
    if (found.length > 0) heads.push({ head, layers: found });
  }
  const record = (await metadata.run(run, signal)) ?? null;
  const revoked = (await metadata.revokedRuns('all', signal)).find((each) => each.run === run) ?? null;
  if (record === null && revoked === null && heads.length === 0) {
    throw new CachelaneError('E_NOT_FOUND', `${run} is unknown here`, {
      hint: 'cachelane log lists runs',
    });
  }
  return { run, record, revoked, heads, readers: await readersOf({ metadata, origins }, runs, signal) };
}
