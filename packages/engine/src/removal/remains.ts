import {
  digestOf,
  isCachelaneError,
  isHeldFile,
  LayerStack,
  memoryIndex,
  type BytePath,
  type CommitRequest,
  type CommitResult,
  type Entry,
  type LayerId,
  type LayerRecord,
  type RunId,
  type StagedEntry,
  type StoredLayer,
  type Tool,
  type VolumeId,
} from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { driverFor, fromLayer, toVersion, type SourcedEntry } from '../views/versions.ts';

/** A layer and the entries that are left of it. */
export interface Remains {
  readonly layer: StoredLayer;
  readonly id: LayerId;
  readonly entries: readonly StagedEntry[];
  readonly changed: boolean;
}

/** Where the content of an entry is that is left of a layer. */
export function sourceOf(staged: StagedEntry, layer: StoredLayer): SourcedEntry {
  const source = fromLayer(staged.entry, layer);
  return staged.from === 'content' ? { ...source, layer: null, content: () => staged.content } : source;
}

export interface Remainder {
  /** Top first. */
  readonly layers: readonly LayerId[];
  /** Those that took the place of a layer that lost entries. */
  readonly rewritten: readonly LayerRecord[];
}

/** Drops names whose content is not there any more, of what `mayBeGone`; names that pointed at nothing before are not the business of whoever takes something away. */
export function closeNames(
  remains: readonly Remains[],
  mayBeGone: (path: BytePath) => boolean,
  tool: Tool,
): readonly Remains[] {
  const after = new LayerStack(
    remains.map(({ entries }) => ({ index: memoryIndex(entries.map(({ entry }) => entry)) })),
  );
  const has = (path: BytePath): boolean => !mayBeGone(path) || after.lookUp(path) !== undefined;
  return remains.map((remain) => {
    let changed = remain.changed;
    const entries = remain.entries.flatMap((staged) => {
      const closed = closeOne(staged, remain.layer, { tool, has });
      changed ||= closed !== staged;
      return closed === null ? [] : [closed];
    });
    return { ...remain, entries, changed };
  });
}

/** Null: nothing of the entry is left. */
function closeOne(
  staged: StagedEntry,
  layer: StoredLayer,
  { tool, has }: { readonly tool: Tool; readonly has: (path: BytePath) => boolean },
): StagedEntry | null {
  const { entry } = staged;
  if (entry.type !== 'file' || entry.removed === 'counted' || entry.removed === 'hint') return staged;
  const driver = driverFor(tool, entry);
  const content = driver?.close?.(toVersion(sourceOf(staged, layer)), entry.path, has) ?? null;
  if (content === null) return staged;
  // One that hides older versions goes on to do so.
  if (content.length === 0 && entry.removed === null) return null;
  return { from: 'content', entry: { ...entry, sizeBytes: content.length, digest: digestOf(content) }, content };
}

export interface RemainsOf {
  readonly volumeId: VolumeId;
  /** Runs that have no part in what is left. */
  readonly without: ReadonlySet<RunId>;
  /** The run on whose behalf the head moves. */
  readonly by: RunId;
}

type RemainsDependencies = Pick<EngineDependencies, 'metadata' | 'layers' | 'bootId'>;

export async function publishRemains(
  deps: RemainsDependencies,
  { volumeId, without, by }: RemainsOf,
  remains: readonly Remains[],
  signal: AbortSignal,
): Promise<Remainder> {
  // Two that differed in what went may be one now, and no head names a layer twice.
  const layers = new Set<LayerId>();
  const rewritten: LayerRecord[] = [];
  for (const { layer, id, entries, changed } of remains) {
    if (!changed) {
      layers.add(id);
      continue;
    }
    if (!entries.some(({ entry }) => saysSomething(entry))) continue;
    const staged = await deps.layers.stage({ changes: null, entries, sealedAtMs: layer.sealedAtMs }, signal);
    await deps.layers.publish(staged, signal);
    if (layers.has(staged.id)) continue;
    layers.add(staged.id);
    const before = await deps.metadata.layer(id, signal);
    // One of those that made what is left.
    const other = entries.flatMap(({ entry }) => entry.origins)[0] ?? by;
    rewritten.push({
      id: staged.id,
      volumeId,
      run: before === undefined || without.has(before.run) ? other : before.run,
      counts: { ...(before?.counts ?? { added: 0, changed: 0, removed: 0 }), sizeBytes: staged.sizeBytes },
      files: entries.filter(({ entry }) => isHeldFile(entry)).length,
      sealedAtMs: layer.sealedAtMs,
      bootId: deps.bootId,
    });
  }
  return { layers: [...layers], rewritten };
}

function saysSomething({ type, removed }: Entry): boolean {
  return removed !== 'hint' && (type !== 'dir' || removed !== null);
}

/** Undefined where a rewritten layer, as old as what it replaces, was collected before the head could name it. */
export async function commitRemains(
  { metadata }: Pick<RemainsDependencies, 'metadata'>,
  request: CommitRequest,
  signal: AbortSignal,
): Promise<CommitResult | undefined> {
  try {
    return await metadata.commit(request, signal);
  } catch (error) {
    if (isCachelaneError(error, 'E_LAYER_MISSING')) return undefined;
    throw error;
  }
}
