import type {
  AttachedVolume,
  ChangeSet,
  ChainLink,
  CollectedChanges,
  Digest,
  LayerId,
  OpenedVolume,
  PinnedLink,
  RunId,
  SessionId,
  StoredLayer,
} from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { squashesOf } from '../heads/known-squashes.ts';
import type { Saved } from '../save/save-volume.ts';
import { isSeenTier } from '../tiers/lineage.ts';
import { emptyView, openView, type View } from '../views/view.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';
import { changesSince } from './changes-since.ts';
import { isDamage } from '../base/is-damage.ts';
import { dropDamaged, type Scrutiny } from '../heads/damaged-layers.ts';
import { neverAborted } from '../base/never-aborted.ts';

/** A read chain and its view. */
export interface Composed {
  readonly links: readonly PinnedLink[];
  readonly view: View;
}

export const cold: Composed = { links: [], view: emptyView };

interface Composing {
  readonly run: RunId;
  readonly sessionId: SessionId;
  /** How closely layers are checked at first. */
  readonly scrutiny: Scrutiny;
}

/** Composes a view. If composing finds damage, all layers are read and damaged ones dropped. */
export async function composeView(
  deps: EngineDependencies,
  { planned, opened }: { readonly planned: PlannedVolume; readonly opened: OpenedVolume },
  { run, sessionId, scrutiny: first }: Composing,
  signal: AbortSignal,
): Promise<Composed> {
  const compose = async (scrutiny: Scrutiny): Promise<Composed> => {
    const links = await dropDamaged(deps, { opened, run, scrutiny }, signal);
    const view = await openView(deps, planned.tool, links, signal);
    return (await pinDerived(deps, sessionId, { links, view }, signal)) ? { links, view } : await compose(scrutiny);
  };
  try {
    return await compose(first);
  } catch (error) {
    if (first === 'glance' && isDamage(error)) return await compose('read');
    throw error;
  }
}

/** Pins the derived layers of a view for the session. Returns false if a collector removed one: compose again. */
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

/** Returns the view of a shared directory that the run joins, and pins its layers: this session may be the last to leave. If that view is damaged, returns the run's own. */
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

/** Returns the view that the changes are based on. It includes parts that other runs saved, also runs that were killed before the directory recorded their save. */
export async function baseOf(
  deps: EngineDependencies,
  session: BaseOf,
  collected: CollectedChanges,
  signal: AbortSignal,
): Promise<Base> {
  const { changes } = collected;
  let before: Composed;
  try {
    before = await openBase(deps, session, collected.links, signal);
  } catch (error) {
    if (isDamage(error)) return { links: session.links, view: session.view, changes };
    throw error;
  }
  const ids = await pushedUnnoted(deps, session, collected, signal);
  if (ids.length === 0) return { ...before, changes };
  try {
    await deps.metadata.updateSession(session.sessionId, { pins: ids }, signal);
    const base = await openBase(deps, session, withLayers(session.planned.own, collected.links, ids), signal);
    // A part may omit unfinished paths, so absence means nothing.
    if (collected.part !== null) return { ...base, changes };
    const pushed: StoredLayer[] = [];
    for (const id of ids) pushed.push(await deps.layers.open(id, signal));
    return { ...base, changes: changesSince(changes, { before: before.view, base: base.view, pushed }) };
  } catch (error) {
    if (isDamage(error)) return { ...before, changes };
    throw error;
  }
}

/** The changes and the view they are based on. */
interface Base extends Composed {
  readonly changes: ChangeSet;
}

interface BaseOf extends Composed {
  readonly planned: PlannedVolume;
  readonly opened: OpenedVolume;
  readonly sessionId: SessionId;
}

async function openBase(
  deps: EngineDependencies,
  { planned, links, view }: BaseOf,
  base: readonly PinnedLink[],
  signal: AbortSignal,
): Promise<Composed> {
  if (isSameView(base, links)) return { links, view };
  return { links: base, view: await openView(deps, planned.tool, base, signal) };
}

/** Returns pushed layers, top first, of runs that the directory lists as unsaved. Saving their contents again would put them above newer layers. Includes history, because a rollback may have removed them. */
async function pushedUnnoted(
  { metadata }: EngineDependencies,
  { planned, opened }: BaseOf,
  { links, alsoOf }: CollectedChanges,
  signal: AbortSignal,
): Promise<readonly LayerId[]> {
  if (alsoOf.length === 0) return [];
  const runs = new Set(alsoOf);
  const volumeId = opened.volume.id;
  const history = await metadata.history(volumeId, planned.own.lane, signal);
  const head = await metadata.head(volumeId, planned.own.lane, signal);
  const moves = history.flatMap(({ layer }) => (layer === null ? [] : [layer]));
  const squashes = await squashesOf(metadata, { volumeId, lane: planned.own.lane }, signal);
  const noted = new Set(squashes.expand(layersOf(links)));
  const pushed: LayerId[] = [];
  for (const id of new Set([...moves, ...squashes.expand(head?.layers ?? [])])) {
    if (noted.has(id)) continue;
    const record = await metadata.layer(id, signal);
    if (record !== undefined && runs.has(record.run)) pushed.push(id);
  }
  return pushed;
}

/** Returns the links with the saved layer on top. Layers that other runs pushed are not in the directory. */
export function linksWith(
  planned: Pick<PlannedVolume, 'own'>,
  links: readonly PinnedLink[],
  { saved, lineage }: { readonly saved: Saved | null; readonly lineage: readonly LayerId[] },
): readonly PinnedLink[] {
  if (saved === null) return links;
  // After the first save, tier layers belong to the own lane.
  const rest = lineage.length === 0 ? links : links.filter((link) => !isSeenTier(planned, link));
  const own = { ...planned.own, generation: saved.head.generation };
  return withLayers(own, lineage.length === 0 ? rest : withLayers(own, rest, lineage), [saved.layer.id]);
}

/** Returns whether the lane has layers, also if another run saved a part in a shared directory before the lane had a head. */
export function hasOwnLayers({ namespace, lane }: ChainLink, links: readonly PinnedLink[]): boolean {
  return links.some((link) => link.namespace === namespace && link.lane === lane && link.layers.length > 0);
}

/** `top`: layers to put on the own lane. */
function withLayers(
  { namespace, lane, generation }: ChainLink & { readonly generation?: number },
  links: readonly PinnedLink[],
  top: readonly LayerId[],
): readonly PinnedLink[] {
  const isOwn = (link: PinnedLink): boolean => link.namespace === namespace && link.lane === lane;
  const before = links.find(isOwn);
  const layers = [...top, ...(before?.layers ?? [])];
  const mine = { namespace, lane, generation: generation ?? before?.generation ?? 0, layers };
  return [mine, ...links.filter((link) => !isOwn(link))];
}
