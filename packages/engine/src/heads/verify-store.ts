import {
  asCachelaneError,
  CachelaneError,
  limits,
  type HeadRecord,
  type LayerId,
  type LayerStore,
  type Metadata,
  type RunId,
} from '@cachelane/core';
import { backOff } from '../base/back-off.ts';
import type { OnProgress } from '../model/progress-update.ts';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { withoutDamaged } from './known-squashes.ts';
import { isDamage } from '../base/is-damage.ts';

export type VerifyDependencies = Pick<EngineDependencies, 'metadata' | 'layers' | 'clock' | 'random'>;

/** An unusable layer and the heads that name it. */
export interface FaultyLayer {
  readonly id: LayerId;
  /** Whether the layer is missing. */
  readonly isMissing: boolean;
  /** Display text; at least one. */
  readonly problems: readonly string[];
  readonly heads: readonly HeadRecord[];
}

export interface Verification {
  /** Number of layers read. */
  readonly checked: number;
  /** Includes layers that no head names; history may name them. */
  readonly faulty: readonly FaultyLayer[];
}

/** Reads every layer, compares it with its index, and finds missing layers of heads. Changes nothing. */
export async function verifyStore(
  { metadata, layers }: Pick<VerifyDependencies, 'metadata' | 'layers'>,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<Verification> {
  const heads = await metadata.listHeads(signal);
  const named = new Map<LayerId, HeadRecord[]>();
  for (const head of heads) for (const id of head.layers) named.set(id, [...(named.get(id) ?? []), head]);
  const listed = await layers.list(signal);
  const there = new Set(listed.map(({ id }) => id));
  const all = [...new Set([...there, ...named.keys()])].toSorted();
  const total = listed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let done = 0;
  const onBytes = (count: number): void => {
    done += count;
    onProgress({ activity: 'verifying', done, total, unit: 'bytes' });
  };
  const faulty: FaultyLayer[] = [];
  for (const id of all) {
    const problems = await problemsOf(layers, id, { signal, onBytes });
    if (problems.length === 0) continue;
    const isMissing = !(await layers.has(id, signal));
    // A collection removed it, so it was unused.
    if (isMissing && !(await isNamed(metadata, id, signal))) continue;
    faulty.push({ id, isMissing, problems, heads: named.get(id) ?? [] });
  }
  return { checked: there.size, faulty };
}

/**
 * Removes layers from the heads that name them. The files stay for the collector, because a run may be using them. Returns the moved heads.
 * Throws E_HEAD_MOVED if one moved too often.
 */
export async function dropFaulty(
  deps: VerifyDependencies,
  { faulty }: Pick<Verification, 'faulty'>,
  by: RunId,
  signal: AbortSignal,
): Promise<readonly HeadRecord[]> {
  const bad = new Set(faulty.map(({ id }) => id));
  const moved: HeadRecord[] = [];
  for (const head of await deps.metadata.listHeads(signal)) {
    const after = await dropFromHead(deps, { head, bad, by }, signal);
    if (after !== null) moved.push(after);
  }
  return moved;
}

async function problemsOf(
  layers: LayerStore,
  id: LayerId,
  { signal, onBytes }: { readonly signal: AbortSignal; readonly onBytes: (count: number) => void },
): Promise<readonly string[]> {
  try {
    const { ok, problems } = await layers.verify(id, signal, onBytes);
    return ok ? [] : problems;
  } catch (error) {
    if (isDamage(error)) return [asCachelaneError(error).message];
    throw error;
  }
}

async function isNamed(metadata: Metadata, id: LayerId, signal: AbortSignal): Promise<boolean> {
  return (await metadata.listHeads(signal)).some(({ layers }) => layers.includes(id));
}

interface HeadToMend {
  readonly head: HeadRecord;
  readonly bad: ReadonlySet<LayerId>;
  readonly by: RunId;
}

/** Returns null if the head names none of them or is gone. */
async function dropFromHead(
  deps: VerifyDependencies,
  { head: seen, bad, by }: HeadToMend,
  signal: AbortSignal,
): Promise<HeadRecord | null> {
  let head = seen;
  for (let attempt = 0; attempt < limits.commitAttempts; attempt++) {
    if (!head.layers.some((id) => bad.has(id))) return null;
    const mended = await withoutDamaged(deps, { head, bad }, signal);
    const result = await deps.metadata.commit(
      {
        volumeId: head.volumeId,
        lane: head.lane,
        expectedGeneration: head.generation,
        ...mended,
        layer: null,
        run: by,
        counts: { added: 0, changed: 0, removed: 0, sizeBytes: 0 },
        atMs: deps.clock.nowMs(),
      },
      signal,
    );
    if (result.kind === 'moved') return result.head;
    if (result.head === null) return null;
    head = result.head;
    await backOff(deps, attempt, signal);
  }
  throw new CachelaneError('E_HEAD_MOVED', `the head of lane ${seen.lane} moved ${limits.commitAttempts} times`, {
    hint: 'try again when fewer runs end at once',
    retryable: true,
  });
}
