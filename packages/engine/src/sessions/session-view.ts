import type {
  AttachedVolume,
  ChainLink,
  CollectedChanges,
  Digest,
  LayerId,
  OpenedVolume,
  PinnedLink,
  RunId,
  SessionId,
} from '@cachelane/core';
import type { EngineDependencies } from '../engine.ts';
import type { Saved } from '../save/save-volume.ts';
import { emptyView, openView, type View } from '../views/view.ts';
import type { PlannedVolume } from '../volumes/plan.ts';
import { dropDamaged, isDamage, type Scrutiny } from './damaged-layers.ts';
import { neverAborted } from '../never-aborted.ts';

/** A read chain and what it comes to. */
export interface Composed {
  readonly links: readonly PinnedLink[];
  readonly view: View;
}

export const cold: Composed = { links: [], view: emptyView };

/** Damage that a glance does not show comes up when the layers are put together: then each is read, and the damaged ones go. */
export async function composeView(
  deps: EngineDependencies,
  { planned, opened }: { readonly planned: PlannedVolume; readonly opened: OpenedVolume },
  { run, sessionId }: { readonly run: RunId; readonly sessionId: SessionId },
  signal: AbortSignal,
): Promise<Composed> {
  const compose = async (scrutiny: Scrutiny): Promise<Composed> => {
    const links = await dropDamaged(deps, { opened, run, scrutiny }, signal);
    const view = await openView(deps, planned.tool, links, signal);
    return (await pinDerived(deps, sessionId, { links, view }, signal)) ? { links, view } : await compose(scrutiny);
  };
  try {
    return await compose('glance');
  } catch (error) {
    if (isDamage(error)) return await compose('read');
    throw error;
  }
}

/** Derived layers are nobody's but the session's that mounts them. False where a collector was faster: compose again. */
async function pinDerived(
  deps: EngineDependencies,
  sessionId: SessionId,
  { links, view }: Composed,
  signal: AbortSignal,
): Promise<boolean> {
  const pinned = new Set<Digest>(layersOf(links));
  const derived = view.layers.map(({ key }) => key).filter((key) => !pinned.has(key));
  if (derived.length === 0) return true;
  await deps.metadata.updateSession(sessionId, { pins: derived as LayerId[] }, signal);
  for (const key of derived) if ((await deps.layers.openDerived(key, signal)) === undefined) return false;
  return true;
}

interface Joining {
  readonly attached: AttachedVolume;
  readonly sessionId: SessionId;
  readonly composed: Composed;
}

/**
 * What the command finds where it joins others: what they found. This session keeps it from the collector from now on, since it may be the
 * last one to leave. Where that view is not whole any more, the run's own is the nearest thing to compare with.
 */
export async function joinedView(
  deps: EngineDependencies,
  { planned }: { readonly planned: PlannedVolume },
  { attached, sessionId, composed }: Joining,
  signal: AbortSignal,
): Promise<Composed> {
  const { links } = attached;
  if (isSameView(links, composed.links)) return composed;
  try {
    const pins = [...new Set(layersOf(links))];
    await deps.metadata.updateSession(sessionId, { pins }, signal);
    for (;;) {
      const view = await openView(deps, planned.tool, links, signal);
      if (await pinDerived(deps, sessionId, { links, view }, signal)) return { links, view };
    }
  } catch (error) {
    if (isDamage(error)) return composed;
    await attached.release(neverAborted);
    throw error;
  }
}

function isSameView(a: readonly PinnedLink[], b: readonly PinnedLink[]): boolean {
  return layersOf(a).join() === layersOf(b).join();
}

function layersOf(links: readonly PinnedLink[]): readonly LayerId[] {
  return links.flatMap(({ layers }) => layers);
}

/** What the changes are changes to: others who shared the directory may have saved a part of their work meanwhile. */
export async function baseOf(
  deps: EngineDependencies,
  { planned, links, view }: Composed & { readonly planned: PlannedVolume },
  collected: CollectedChanges,
  signal: AbortSignal,
): Promise<Composed> {
  if (isSameView(collected.links, links)) return { links, view };
  try {
    return { links: collected.links, view: await openView(deps, planned.tool, collected.links, signal) };
  } catch (error) {
    if (isDamage(error)) return { links, view };
    throw error;
  }
}

/** The links with a layer that holds what the directory has: what others pushed meanwhile is not there. */
export function linksWith(own: ChainLink, links: readonly PinnedLink[], saved: Saved | null): readonly PinnedLink[] {
  if (saved === null) return links;
  const isOwn = (link: PinnedLink): boolean => link.namespace === own.namespace && link.lane === own.lane;
  const before = links.find(isOwn)?.layers ?? [];
  const mine = { ...own, generation: saved.head.generation, layers: [saved.layer.id, ...before] };
  return [mine, ...links.filter((link) => !isOwn(link))];
}
