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

/** A layer and its remaining entries. */
export interface Remains {
  readonly layer: StoredLayer;
  readonly id: LayerId;
  readonly entries: readonly StagedEntry[];
  readonly changed: boolean;
}

/** Returns where the content of a remaining entry is. */
export function sourceOf(staged: StagedEntry, layer: StoredLayer): SourcedEntry {
  const source = fromLayer(staged.entry, layer);
  return staged.from === 'content' ? { ...source, layer: null, content: () => staged.content } : source;
}

export interface Remainder {
  /** Top first. */
  readonly layers: readonly LayerId[];
  /** Records of layers that replace one that lost entries. */
  readonly rewritten: readonly LayerRecord[];
}

/** Drops names of removed content in `mayBeGone`. Names that were broken before stay. */
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

/** Returns null if the entry is removed completely. */
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
  // Keep an empty entry that hides older versions.
  if (content.length === 0 && entry.removed === null) return null;
  return { from: 'content', entry: { ...entry, sizeBytes: content.length, digest: digestOf(content) }, content };
}

export interface RemainsOf {
  readonly volumeId: VolumeId;
  /** Runs to remove. */
  readonly without: ReadonlySet<RunId>;
  /** The run that moves the head. */
  readonly by: RunId;
}

type RemainsDependencies = Pick<EngineDependencies, 'metadata' | 'layers' | 'bootId'>;

export async function publishRemains(
  deps: RemainsDependencies,
  { volumeId, without, by }: RemainsOf,
  remains: readonly Remains[],
  signal: AbortSignal,
): Promise<Remainder> {
  // Two layers may have become equal, and a head names a layer once.
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
    // A run whose changes are left.
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

/** Returns undefined if a rewritten layer was collected before the head could name it. */
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
