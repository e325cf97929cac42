import {
  asCachelaneError,
  isCachelaneError,
  type LayerId,
  type OpenedVolume,
  type PinnedLink,
  type RunId,
} from '@cachelane/core';
import type { EngineDependencies } from '../engine.ts';

/** `glance`: is it there, and did it reach the disk; `read`: every byte, after something in a layer was found damaged. */
export type Scrutiny = 'glance' | 'read';

export interface DamageSearch {
  readonly opened: OpenedVolume;
  /** The run on whose behalf the head moves. */
  readonly run: RunId;
  readonly scrutiny: Scrutiny;
}

/**
 * The pinned links without layers that are missing, damaged, or were written just before a power loss and did not survive it.
 * Such layers also leave the head of the session's own lane, so that the next run does not meet them again.
 */
export async function dropDamaged(
  deps: EngineDependencies,
  { opened, run, scrutiny }: DamageSearch,
  signal: AbortSignal,
): Promise<readonly PinnedLink[]> {
  const bad = new Set<LayerId>();
  for (const id of new Set(opened.pinned.flatMap(({ layers }) => layers))) {
    const why = await problemOf(deps, { id, scrutiny }, signal);
    if (why === null) continue;
    bad.add(id);
    const record = await deps.metadata.layer(id, signal);
    const origin = record === undefined ? '' : ` (saved by ${record.run})`;
    const message = `layer ${id.slice(0, 12)} of ${opened.volume.name}${origin} is left out: ${why}`;
    deps.events({ type: 'warning', code: 'E_LAYER_CORRUPT', message, hint: 'what it held is made again by this run' });
  }
  if (bad.size === 0) return opened.pinned;
  await leaveHead(deps, opened, { bad, run }, signal);
  return opened.pinned.map((link) => ({ ...link, layers: link.layers.filter((id) => !bad.has(id)) }));
}

async function problemOf(
  deps: EngineDependencies,
  { id, scrutiny }: { readonly id: LayerId; readonly scrutiny: Scrutiny },
  signal: AbortSignal,
): Promise<string | null> {
  try {
    if (!(await deps.layers.has(id, signal))) return 'it is missing';
    if (scrutiny === 'glance' && (await deps.layers.isSettled(id, signal))) return null;
    const { ok, problems } = await deps.layers.verify(id, signal);
    return ok ? null : (problems[0] ?? 'it is damaged');
  } catch (error) {
    if (isDamage(error)) return asCachelaneError(error).message;
    throw error;
  }
}

async function leaveHead(
  deps: EngineDependencies,
  opened: OpenedVolume,
  { bad, run }: { readonly bad: ReadonlySet<LayerId>; readonly run: RunId },
  signal: AbortSignal,
): Promise<void> {
  const link = opened.pinned[0];
  if (link === undefined || !opened.own.layers.some((id) => bad.has(id))) return;
  const head = await deps.metadata.head(opened.volume.id, link.lane, signal);
  if (head === undefined) return;
  // Losing this race is fine: whoever moved the head meets the same layers at its next start.
  await deps.metadata.commit(
    {
      volumeId: opened.volume.id,
      lane: link.lane,
      expectedGeneration: head.generation,
      layers: head.layers.filter((id) => !bad.has(id)),
      layer: null,
      run,
      counts: { added: 0, changed: 0, removed: 0, sizeBytes: 0 },
      atMs: deps.clock.nowMs(),
    },
    signal,
  );
}

/** Whether an error says that a layer cannot be used any more. */
export function isDamage(error: unknown): boolean {
  return isCachelaneError(error, 'E_LAYER_MISSING') || isCachelaneError(error, 'E_LAYER_CORRUPT');
}
