import {
  asCachelaneError,
  type LaneName,
  type LayerId,
  type OpenedVolume,
  type PinnedLink,
  type RunId,
  type VolumeId,
} from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { isDamage } from '../base/is-damage.ts';
import { cleanUpsAmong, standing } from '../base/clean-ups.ts';
import { withoutDamaged } from './known-squashes.ts';

/** `glance`: check that a layer exists and is settled; `read`: check every byte, after damage was found. */
export type Scrutiny = 'glance' | 'read';

export interface DamageSearch {
  readonly opened: OpenedVolume;
  /** The run that moves the head. */
  readonly run: RunId;
  readonly scrutiny: Scrutiny;
}

/**
 * Returns the pinned links without layers that are missing, damaged, or lost in a power failure. Also removes those layers from the head of
 * the session's lane, so that the next run does not find them again.
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
    deps.events({ type: 'warning', code: 'E_LAYER_CORRUPT', message, hint: 'this run makes its contents again' });
  }
  if (bad.size === 0) return opened.pinned;
  await leaveHead(deps, opened, { bad, run }, signal);
  const links: PinnedLink[] = [];
  for (const [index, link] of opened.pinned.entries()) {
    // What squashes of other volumes' lanes replaced is unknown here.
    const isOwn = index === 0 && link.layers.join() === opened.own.layers.join();
    const head = { volumeId: opened.volume.id, lane: link.lane, layers: link.layers };
    const layers = isOwn
      ? (await withoutDamaged(deps, { head, bad }, signal)).layers
      : standing(link.layers, {
          isHere: (id) => !bad.has(id),
          cleanUps: await cleanUpsAmong(deps.metadata, link.layers, signal),
        });
    links.push({ ...link, layers });
  }
  return links;
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
  await loseLayers(deps, { volumeId: opened.volume.id, lane: link.lane, bad, run }, signal);
}

export interface Loss {
  readonly volumeId: VolumeId;
  readonly lane: LaneName;
  readonly bad: ReadonlySet<LayerId>;
  readonly run: RunId;
}

/** Removes unusable layers from a head. Losing a race is fine: the next mover of the head finds the same layers. */
export async function loseLayers(
  { metadata, layers, clock }: Pick<EngineDependencies, 'metadata' | 'layers' | 'clock'>,
  { volumeId, lane, bad, run }: Loss,
  signal: AbortSignal,
): Promise<void> {
  const head = await metadata.head(volumeId, lane, signal);
  if (head?.layers.some((id) => bad.has(id)) !== true) return;
  const mended = await withoutDamaged({ metadata, layers }, { head, bad }, signal);
  await metadata.commit(
    {
      volumeId,
      lane,
      expectedGeneration: head.generation,
      ...mended,
      layer: null,
      run,
      counts: { added: 0, changed: 0, removed: 0, sizeBytes: 0 },
      atMs: clock.nowMs(),
    },
    signal,
  );
}
