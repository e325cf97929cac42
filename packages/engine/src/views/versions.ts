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

/** An entry and where its content is read. */
export interface SourcedEntry {
  readonly entry: Entry;
  readonly sealedAtMs: number;
  /** The layer with the content; null if a driver made it in memory. */
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

/** Returns the driver of the tool's rule for the path, if the rule still gives the class the entry was stored with. Null: the nearest version wins. */
export function driverFor(tool: Tool, entry: Entry): MergeDriver | null {
  const rule = tool.classify(entry.path, entry.type === 'dir', noPeek);
  return rule.kind === 'keep' && rule.mergeClass === entry.mergeClass ? rule.driver : null;
}

/** Only groups look at content, and groups never reach a driver. */
const noPeek = { peek: (_path: BytePath, _count: number): Uint8Array | undefined => undefined };

/** Asks the tool's driver. Without a driver, or above the size limit, the nearest whole version wins. */
export function composeSources(tool: Tool, sources: readonly SourcedEntry[]): Composition {
  const nearest = sources[0];
  const isOversize = sources.some(({ entry }) => entry.sizeBytes > limits.mergedFileBytes);
  const driver = nearest === undefined || isOversize ? null : driverFor(tool, nearest.entry);
  if (driver !== null) return driver.compose(sources.map(toVersion));
  const whole = sources.findIndex(({ entry }) => entry.form === 'whole');
  return { kind: 'pick', index: Math.max(0, whole), opinion: false };
}

/** Returns the runs behind a composed entry, sorted and unique. */
export function unitedOrigins(entries: readonly Entry[]): Entry['origins'] {
  return [...new Set(entries.flatMap((entry) => entry.origins))].toSorted();
}
