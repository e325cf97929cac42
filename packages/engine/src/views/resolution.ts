import {
  digestOf,
  groupsOf,
  isBelow,
  LayerStack,
  mergesVersions,
  parentPath,
  rootPath,
  type BytePath,
  type Entry,
  type StagedEntry,
  type StoredLayer,
  type Tool,
} from '@cachelane/core';
import { composeSources, fromLayer, unitedOrigins, type SourcedEntry } from './versions.ts';

/** An answer of a driver, to be laid on top of the plain layers. */
type Resolved =
  | { readonly kind: 'file'; readonly source: SourcedEntry }
  | { readonly kind: 'hidden'; readonly entry: Entry };

export type Resolution = ReadonlyMap<BytePath, Resolved>;

/** A composed view, before it is mounted: answers on top of plain layers. */
export interface Sight {
  readonly resolution: Resolution;
  readonly stack: LayerStack<StoredLayer>;
}

export const emptySight: Sight = { resolution: new Map(), stack: new LayerStack<StoredLayer>([]) };

/** Returns what a reader finds at a path, or undefined. */
export function lookUpSight(sight: Sight, path: BytePath): SourcedEntry | undefined {
  const resolved = sight.resolution.get(path);
  if (resolved !== undefined) return resolved.kind === 'file' ? resolved.source : undefined;
  const found = sight.stack.lookUp(path);
  const layer = found === undefined ? undefined : sight.stack.layers[found.depth];
  return found === undefined || layer === undefined ? undefined : fromLayer(found.entry, layer);
}

/** Returns the sight with one more layer on top. Composing is associative, so the cost depends on the new layer only. */
export function layOver(below: Sight, layer: StoredLayer, tool: Tool): Sight {
  const resolution = new Map(below.resolution);
  const bottom = below.stack.layers.length === 0;
  for (const entry of bottom ? layer.index.special() : layer.index.entries()) {
    if (entry.removed === 'hint') continue;
    dropOutdated(resolution, entry);
    if (entry.type !== 'file' || entry.removed !== null || !mergesVersions(entry.mergeClass)) continue;
    const resolved = resolveFile(below, fromLayer(entry, layer), tool);
    if (resolved !== undefined) resolution.set(entry.path, resolved);
  }
  const sight: Sight = { resolution, stack: new LayerStack([layer, ...below.stack.layers]) };
  for (const group of groupsOf(layer.index)) hideOtherMembers(resolution, below, sight.stack, group);
  return sight;
}

/** Drops answers for paths that the new layer changes or removes. */
function dropOutdated(resolution: Map<BytePath, Resolved>, entry: Entry): void {
  if (resolution.size === 0) return;
  resolution.delete(entry.path);
  if (entry.type === 'dir' && entry.removed === null) return;
  for (const path of resolution.keys()) {
    if (isBelow(path, entry.path)) resolution.delete(path);
  }
}

/** Returns undefined if the new layer's own file is the answer. */
function resolveFile(below: Sight, mine: SourcedEntry, tool: Tool): Resolved | undefined {
  const theirs = lookUpSight(below, mine.entry.path);
  const versions = theirs?.entry.type === 'file' ? [mine, theirs] : [mine];
  if (versions.length === 1 && mine.entry.form === 'whole') return undefined;
  const answer = composeSources(tool, versions);
  if (answer.kind === 'content') {
    const content = answer.content;
    const entry: Entry = {
      ...mine.entry,
      form: 'whole',
      sizeBytes: content.length,
      digest: digestOf(content),
      origins: unitedOrigins(versions.map((version) => version.entry)),
    };
    return {
      kind: 'file',
      source: {
        entry,
        sealedAtMs: Math.max(...versions.map((v) => v.sealedAtMs)),
        layer: null,
        content: () => content,
      },
    };
  }
  const picked = versions[answer.index] ?? mine;
  if (picked === mine && mine.entry.form === 'whole') return undefined;
  // No version is whole: the added parts are all there is.
  return {
    kind: 'file',
    source: {
      ...picked,
      entry: { ...picked.entry, form: 'whole' },
      layer: picked.entry.form === 'whole' ? picked.layer : null,
    },
  };
}

/** A group comes whole from the nearest layer that has it, so members of lower layers are hidden. */
function hideOtherMembers(
  resolution: Map<BytePath, Resolved>,
  below: Sight,
  stack: Sight['stack'],
  group: string,
): void {
  for (const { entry } of below.stack.members(group)) {
    const shown = stack.lookUp(entry.path);
    if (shown !== undefined && shown.depth > 0 && below.resolution.get(entry.path) === undefined) {
      resolution.set(entry.path, {
        kind: 'hidden',
        entry: { ...entry, removed: 'counted', digest: null, sizeBytes: 0 },
      });
    }
  }
}

/** Returns the entries of the derived layer for a resolution: files, whiteouts and parent directories. */
export function stageResolution({ resolution, stack }: Sight): readonly StagedEntry[] {
  const staged: StagedEntry[] = [];
  const directories = new Set<BytePath>();
  for (const [path, resolved] of resolution) {
    for (let parent = parentPath(path); parent !== rootPath; parent = parentPath(parent)) directories.add(parent);
    if (resolved.kind === 'hidden') staged.push({ from: 'removal', entry: resolved.entry });
    else staged.push(stageFile(resolved.source));
  }
  for (const directory of directories) {
    const found = stack.lookUp(directory);
    if (found !== undefined) staged.push({ from: 'made', entry: { ...found.entry, removed: null } });
  }
  return staged;
}

function stageFile({ entry, layer, content }: SourcedEntry): StagedEntry {
  return layer !== null && entry.form === 'whole'
    ? { from: 'layer', entry, layer }
    : { from: 'content', entry, content: content() };
}

/** Reads the resolution from a derived layer. */
export function loadResolution(layer: StoredLayer): Resolution {
  const resolution = new Map<BytePath, Resolved>();
  for (const entry of layer.index.entries()) {
    if (entry.removed === 'counted') resolution.set(entry.path, { kind: 'hidden', entry });
    else if (entry.type === 'file') resolution.set(entry.path, { kind: 'file', source: fromLayer(entry, layer) });
  }
  return resolution;
}
