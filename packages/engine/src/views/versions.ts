import {
  limits,
  type BytePath,
  type Composition,
  type Digest,
  type Entry,
  type MergeDriver,
  type StoredLayer,
  type Tool,
  type Version,
} from '@cachelane/core';

/** An entry together with where its stored content can be read. */
export interface SourcedEntry {
  readonly entry: Entry;
  readonly sealedAtMs: number;
  /** The layer that holds the content at the entry's path; null where a driver made it in memory. */
  readonly layer: StoredLayer | null;
  readonly content: () => Uint8Array;
}

export function fromLayer(entry: Entry, layer: StoredLayer): SourcedEntry {
  return { entry, sealedAtMs: layer.sealedAtMs, layer, content: () => layer.read(entry.path) };
}

export function toVersion(source: SourcedEntry): Version {
  const { entry } = source;
  return {
    form: entry.form,
    digest: entry.digest as Digest,
    sizeBytes: entry.sizeBytes,
    mode: entry.mode,
    sealedAtMs: source.sealedAtMs,
    content: source.content,
  };
}

/**
 * The driver that decides for an entry: that of the tool's rule for its path, provided the rule still gives the class the entry
 * was stored with. Null: no driver, the nearest version stands.
 */
export function driverFor(tool: Tool, entry: Entry): MergeDriver | null {
  const rule = tool.classify(entry.path, entry.type === 'dir', noPeek);
  return rule.kind === 'keep' && rule.mergeClass === entry.mergeClass ? rule.driver : null;
}

/** Classes that merge follow from the path alone; only groups look at content, and those never reach a driver. */
const noPeek = { peek: (_path: BytePath, _count: number): Uint8Array | undefined => undefined };

/**
 * Asks the tool's driver. Where a version is too large to be merged in memory, or there is no driver, the nearest whole one
 * stands.
 */
export function composeSources(tool: Tool, sources: readonly SourcedEntry[]): Composition {
  const nearest = sources[0];
  const isOversize = sources.some(({ entry }) => entry.sizeBytes > limits.mergedFileBytes);
  const driver = nearest === undefined || isOversize ? null : driverFor(tool, nearest.entry);
  if (driver !== null) return driver.compose(sources.map(toVersion));
  const whole = sources.findIndex(({ entry }) => entry.form === 'whole');
  return { kind: 'pick', index: Math.max(0, whole), opinion: false };
}

/** The runs behind a composed entry, sorted, without repeats. */
export function unitedOrigins(entries: readonly Entry[]): Entry['origins'] {
  return [...new Set(entries.flatMap((entry) => entry.origins))].toSorted();
}
