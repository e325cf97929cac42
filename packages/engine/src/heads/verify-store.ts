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

/** A layer that cannot be used any more, and who is hurt. */
export interface FaultyLayer {
  readonly id: LayerId;
  /** Whether it is there at all. */
  readonly isMissing: boolean;
  /** For people; at least one. */
  readonly problems: readonly string[];
  readonly heads: readonly HeadRecord[];
}

export interface Verification {
  /** Layers that were read. */
  readonly checked: number;
  /** Also those that no head names: history may, and the collector takes them when nothing does. */
  readonly faulty: readonly FaultyLayer[];
}

/** Reads every layer of the store and compares it with its index, and looks for layers that heads name and that are not there. Changes nothing. */
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
    // One that a collector took meanwhile is nobody's loss.
    if (isMissing && !(await isNamed(metadata, id, signal))) continue;
    faulty.push({ id, isMissing, problems, heads: named.get(id) ?? [] });
  }
  return { checked: there.size, faulty };
}

/**
 * Takes layers out of the heads that name them; nothing else is touched. Their files stay for the collector: a run may be at work on top of
 * them. Returns the heads that moved. Throws E_HEAD_MOVED where one moved too often.
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

/** Null where the head names none of them, or is gone. */
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
