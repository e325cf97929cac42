import {
  digestOf,
  LayerStack,
  memoryIndex,
  type Entry,
  type LayerIndex,
  type MergeDriver,
  type StagedEntry,
  type StoredLayer,
  type Tool,
  type Version,
} from '@cachelane/core';
import { sourceOf, type Remains } from './remains.ts';
import { stageFrom } from '../views/squash.ts';
import { composeSources, driverFor, fromLayer, toVersion, type SourcedEntry } from '../views/versions.ts';

/** A layer to remove runs from, and the layers below, top first. */
export interface LayerTakenFrom {
  readonly layer: StoredLayer;
  readonly before: readonly StoredLayer[];
  /** The layers below without the runs. */
  readonly after: readonly Omit<Remains, 'id'>[];
}

/**
 * Returns the entries that {@link withoutRun} leaves. A file that a clean-up rewrote holds lines of all runs that it saw. It is rebuilt
 * from the layers below minus what the clean-up removed. So a line stays only if another run has it; lines that the clean-up added are
 * dropped.
 */
export function stageWithout(entries: readonly Entry[], from: LayerTakenFrom, tool: Tool): readonly StagedEntry[] {
  const over = new Set(writtenOver(entries, from.layer));
  if (over.size === 0) return entries.map((entry) => stageFrom(entry, from.layer));
  const writer = new Writer(entries, from, tool);
  return entries.map((entry) => (over.has(entry) ? writer.write(entry) : null) ?? stageFrom(entry, from.layer));
}

/** Returns the remaining entries that a clean-up rewrote. */
export function writtenOver(entries: readonly Entry[], layer: StoredLayer): readonly Entry[] {
  return entries.filter(({ path, removed }) => {
    const was = removed === 'counted' ? layer.index.find(path) : undefined;
    return was?.type === 'file' && was.removed === 'below';
  });
}

class Writer {
  readonly #from: LayerTakenFrom;
  readonly #tool: Tool;
  readonly #before: LayerStack;
  readonly #after: LayerStack;
  /** Including the rest of the layer itself. */
  readonly #all: LayerStack;
  readonly #staged = new Map<number, ReadonlyMap<string, StagedEntry>>();

  constructor(entries: readonly Entry[], from: LayerTakenFrom, tool: Tool) {
    this.#from = from;
    this.#tool = tool;
    this.#before = new LayerStack(from.before);
    const after = from.after.map((remain) => ({ index: indexOf(remain) }));
    this.#after = new LayerStack(after);
    this.#all = new LayerStack([{ index: memoryIndex(entries) }, ...after]);
  }

  /** Returns null if the lines cannot be attributed. */
  write(left: Entry): StagedEntry | null {
    const { layer, before, after } = this.#from;
    const was = layer.index.find(left.path);
    const driver = was === undefined ? null : driverFor(this.#tool, was);
    if (was === undefined || driver?.merges !== true) return null;
    const seen = this.#compose(left, this.#before, ({ index, entry }) =>
      fromLayer(entry, before[index] as StoredLayer),
    );
    const now = this.#compose(left, this.#after, ({ index, entry }) =>
      this.#sourceAt(index, entry, after[index] as Omit<Remains, 'id'>),
    );
    if (seen === null || now === null) return null;
    const took = linesBeyond(driver, toVersion(fromLayer(was, layer)), seen);
    const kept = took === null ? null : linesBeyond(driver, took, now);
    if (kept === null) return null;
    // A version that the run hid may name what the clean-up considered unused.
    const closed = driver.close?.(kept, left.path, (path) => this.#all.lookUp(path) !== undefined);
    const content = closed ?? kept.content();
    const entry: Entry = { ...was, origins: left.origins, sizeBytes: content.length, digest: digestOf(content) };
    return { from: 'content', entry, content };
  }

  /** Returns null if there is no version. */
  #compose(
    { path }: Entry,
    stack: LayerStack,
    source: (at: { readonly index: number; readonly entry: Entry }) => SourcedEntry,
  ): Version | null {
    const sources = stack.versions(path).versions.map(({ depth, entry }) => source({ index: depth, entry }));
    const [nearest] = sources;
    if (nearest === undefined) return null;
    const answer = composeSources(this.#tool, sources);
    if (answer.kind === 'pick') return toVersion(sources[answer.index] ?? nearest);
    return withContent(toVersion(nearest), answer.content);
  }

  #sourceAt(index: number, entry: Entry, { layer, entries }: Omit<Remains, 'id'>): SourcedEntry {
    const staged = this.#staged.get(index) ?? new Map(entries.map((each) => [each.entry.path, each]));
    this.#staged.set(index, staged);
    return sourceOf(staged.get(entry.path) ?? stageFrom(entry, layer), layer);
  }
}

function indexOf({ changed, layer, entries }: Omit<Remains, 'id'>): LayerIndex {
  return changed ? memoryIndex(entries.map(({ entry }) => entry)) : layer.index;
}

/** Returns the lines of `mine` that `known` lacks; null if the driver cannot tell. */
function linesBeyond(driver: MergeDriver, known: Version, mine: Version): Version | null {
  const own = driver.subtract(known, mine);
  return own.form === 'whole' ? null : withContent(mine, own.content);
}

function withContent(version: Version, content: Uint8Array): Version {
  return { ...version, form: 'whole', digest: digestOf(content), sizeBytes: content.length, content: () => content };
}
