import {
  CachelaneError,
  digestOf,
  isCachelaneError,
  isHeldFile,
  LayerStack,
  limits,
  memoryIndex,
  withoutRun,
  type BytePath,
  type ChainLink,
  type CommitResult,
  type Entry,
  type HeadRecord,
  type LayerId,
  type LayerIndex,
  type LayerRecord,
  type RunId,
  type StagedEntry,
  type StoredLayer,
  type Tool,
  type VolumeId,
} from '@cachelane/core';
import type { EngineDependencies } from './engine.ts';
import { isDamage } from './sessions/damaged-layers.ts';
import { driverFor, fromLayer, toVersion } from './views/versions.ts';

export interface RemoveRunRequest {
  readonly volumeId: VolumeId;
  readonly own: ChainLink;
  readonly tool: Tool;
  /** The run whose work goes. */
  readonly run: RunId;
  /** The run on whose behalf the head moves. */
  readonly by: RunId;
}

/**
 * Takes a run out of a head: what is left is what the other runs put there, and no name points at content that went with it.
 * Returns the new head, or the old one where the run had no part in it.
 */
export async function removeRun(
  deps: EngineDependencies,
  request: RemoveRunRequest,
  signal: AbortSignal,
): Promise<HeadRecord | undefined> {
  for (let attempt = 0; attempt < limits.commitAttempts; attempt++) {
    const head = await deps.metadata.head(request.volumeId, request.own.lane, signal);
    if (head === undefined) return undefined;
    const remainder = await takeOut(deps, request, head, signal);
    if (remainder === null) return head;
    const result = await commitRemainder(deps, request, { head, remainder }, signal);
    if (result?.kind === 'moved') return result.head;
  }
  throw new CachelaneError(
    'E_HEAD_MOVED',
    `the head moved ${limits.commitAttempts} times while ${request.run} was taken out`,
    {
      retryable: true,
    },
  );
}

/** Undefined where a rewritten layer, as old as what it replaces, was collected before the head could name it. */
async function commitRemainder(
  deps: EngineDependencies,
  request: RemoveRunRequest,
  { head, remainder }: { readonly head: HeadRecord; readonly remainder: Remainder },
  signal: AbortSignal,
): Promise<CommitResult | undefined> {
  try {
    return await deps.metadata.commit(
      {
        volumeId: request.volumeId,
        lane: request.own.lane,
        expectedGeneration: head.generation,
        layers: remainder.layers,
        layer: null,
        rewritten: remainder.rewritten,
        run: request.by,
        counts: { added: 0, changed: 0, removed: 0, sizeBytes: 0 },
        atMs: deps.clock.nowMs(),
      },
      signal,
    );
  } catch (error) {
    if (isCachelaneError(error, 'E_LAYER_MISSING')) return undefined;
    throw error;
  }
}

/** A layer and the entries that are left of it. */
interface Remains {
  readonly layer: StoredLayer;
  readonly id: LayerId;
  readonly entries: readonly StagedEntry[];
  readonly changed: boolean;
}

interface Remainder {
  /** Top first. */
  readonly layers: readonly LayerId[];
  /** Those that took the place of a layer that lost entries. */
  readonly rewritten: readonly LayerRecord[];
}

/** Null where the run has no part in the head. */
async function takeOut(
  deps: EngineDependencies,
  request: RemoveRunRequest,
  head: HeadRecord,
  signal: AbortSignal,
): Promise<Remainder | null> {
  const remains: Remains[] = [];
  const gone = new Set<BytePath>();
  let touched = false;
  for (const id of head.layers) {
    const opened = await openReadable(deps, id, signal);
    if (opened === null) {
      // Nobody can tell what a damaged layer holds of the run: it goes, as it would at the next run's start.
      touched = true;
      continue;
    }
    const { layer, index } = opened;
    const answer = withoutRun(index, request.run);
    touched ||= answer.kind !== 'keep';
    const entries = answer.kind === 'keep' ? [...index.entries()] : answer.kind === 'rewrite' ? answer.entries : [];
    if (answer.kind !== 'keep') addGone(gone, layer, entries);
    if (answer.kind !== 'drop')
      remains.push({
        layer,
        id,
        entries: entries.map((entry) => restage(entry, layer)),
        changed: answer.kind === 'rewrite',
      });
  }
  if (!touched) return null;
  return publishAll(deps, request, closeNames(remains, gone, request.tool), signal);
}

async function openReadable(
  deps: EngineDependencies,
  id: LayerId,
  signal: AbortSignal,
): Promise<{ readonly layer: StoredLayer; readonly index: LayerIndex } | null> {
  try {
    const layer = await deps.layers.open(id, signal);
    return { layer, index: layer.index };
  } catch (error) {
    if (isDamage(error)) return null;
    throw error;
  }
}

function restage(entry: Entry, layer: StoredLayer): StagedEntry {
  if (entry.removed === 'counted' || entry.removed === 'hint') return { from: 'removal', entry };
  return entry.type === 'dir' ? { from: 'made', entry } : { from: 'layer', entry, layer };
}

function addGone(gone: Set<BytePath>, layer: StoredLayer, kept: readonly Entry[]): void {
  const left = new Set(kept.map(({ path }) => path));
  for (const entry of layer.index.entries()) {
    if (entry.type === 'file' && entry.removed === null && !left.has(entry.path)) gone.add(entry.path);
  }
}

/** Drops names whose content this removal took away; names that pointed at nothing before are not its business. */
function closeNames(remains: readonly Remains[], gone: Set<BytePath>, tool: Tool): readonly Remains[] {
  const after = new LayerStack(
    remains.map(({ entries }) => ({ index: memoryIndex(entries.map(({ entry }) => entry)) })),
  );
  for (const path of gone) if (after.lookUp(path) !== undefined) gone.delete(path);
  if (gone.size === 0) return remains;
  const has = (path: BytePath): boolean => !gone.has(path);
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
  const content = driver?.close?.(toVersion(fromLayer(entry, layer)), entry.path, has) ?? null;
  if (content === null) return staged;
  if (content.length === 0) return null;
  return { from: 'content', entry: { ...entry, sizeBytes: content.length, digest: digestOf(content) }, content };
}

async function publishAll(
  deps: EngineDependencies,
  request: RemoveRunRequest,
  remains: readonly Remains[],
  signal: AbortSignal,
): Promise<Remainder> {
  const layers: LayerId[] = [];
  const rewritten: LayerRecord[] = [];
  for (const { layer, id, entries, changed } of remains) {
    if (!changed) {
      layers.push(id);
      continue;
    }
    const staged = await deps.layers.stage({ changes: null, entries, sealedAtMs: layer.sealedAtMs }, signal);
    await deps.layers.publish(staged, signal);
    layers.push(staged.id);
    const before = await deps.metadata.layer(id, signal);
    rewritten.push({
      id: staged.id,
      volumeId: request.volumeId,
      run: before?.run ?? request.by,
      counts: before?.counts ?? { added: 0, changed: 0, removed: 0, sizeBytes: 0 },
      files: entries.filter(({ entry }) => isHeldFile(entry)).length,
      sealedAtMs: layer.sealedAtMs,
      bootId: deps.bootId,
    });
  }
  return { layers, rewritten };
}
