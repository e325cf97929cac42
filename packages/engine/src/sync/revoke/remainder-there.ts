import {
  CachelaneError,
  type Entry,
  type HeadManifest,
  type LayerIndex,
  type ManifestLayer,
  type Remote,
  type RunId,
  type StagedEntry,
  type StoredLayer,
  asCachelaneError,
  isHeldFile,
  limits,
  openIndex,
} from '@cachelane/core';
import { namesRun, withoutRun } from '../../heads/without-run.ts';
import type { EngineDependencies } from '../../model/engine-dependencies.ts';
import { toolOf } from '../../provenance/revoke-runs.ts';
import { stageWithout, writtenOver } from '../../removal/written-over.ts';
import { stageFrom } from '../../views/squash.ts';
import { readCollection, stillCollection } from '../heads/collection-guard.ts';
import { isAboutLayer, pullLayer, readIndex } from '../layers/pull-layer.ts';
import { type LayerToPush, sendLayer } from '../layers/push-layer.ts';

export type RemainderDependencies = Pick<EngineDependencies, 'layers' | 'transfers' | 'clock' | 'random' | 'tools'> & {
  readonly remote: Remote;
};

/** Reads indexes of layers, from the store or else from the remote. */
export class Indexes {
  readonly #deps: Pick<RemainderDependencies, 'remote' | 'layers'>;
  readonly #signal: AbortSignal;

  constructor(deps: Pick<RemainderDependencies, 'remote' | 'layers'>, signal: AbortSignal) {
    this.#deps = deps;
    this.#signal = signal;
  }

  async of(layer: ManifestLayer): Promise<FoundIndex> {
    const { remote, layers } = this.#deps;
    try {
      if (await layers.has(layer.id, this.#signal))
        return { isRead: true, index: (await layers.open(layer.id, this.#signal)).index };
      const bytes = await readIndex(remote, { layer, onBytes: () => undefined }, this.#signal);
      return { isRead: true, index: openIndex(bytes) };
    } catch (error) {
      if (!isAboutLayer(error)) throw error;
      return { isRead: false, error: asCachelaneError(error) };
    }
  }
}

type FoundIndex =
  | { readonly isRead: true; readonly index: LayerIndex }
  | { readonly isRead: false; readonly error: CachelaneError };

/** Uploads what is left of a remote head without the runs; top first. Errors: those of the remote; E_REMOTE_BUSY if collections keep interfering. */
export async function remainderThere(
  deps: RemainderDependencies,
  of: Omit<RemainderOf, 'marked'>,
  signal: AbortSignal,
): Promise<readonly ManifestLayer[]> {
  for (let attempt = 0; attempt < limits.commitAttempts; attempt++) {
    const { collection, version } = await stillCollection(deps, signal);
    const layers = await new Remainder(deps, { ...of, marked: new Set(collection?.keys) }, signal).layers();
    // Uploads count only under an unchanged collection state.
    if ((await readCollection(deps.remote, signal)).version === version) return layers;
  }
  throw new CachelaneError('E_REMOTE_BUSY', `collections of ${deps.remote.name} kept interfering with the upload`, {
    retryable: true,
  });
}

interface RemainderOf {
  readonly manifest: HeadManifest;
  readonly runs: ReadonlySet<RunId>;
  readonly indexes: Indexes;
  readonly marked: LayerToPush['marked'];
}

class Remainder {
  readonly #deps: RemainderDependencies;
  readonly #of: RemainderOf;
  readonly #signal: AbortSignal;

  constructor(deps: RemainderDependencies, of: RemainderOf, signal: AbortSignal) {
    this.#deps = deps;
    this.#of = of;
    this.#signal = signal;
  }

  /** Works from the bottom up: a clean-up's rewritten files depend on what is left below. */
  async layers(): Promise<readonly ManifestLayer[]> {
    const stack = await this.#opened(this.#of.manifest.layers);
    let left: readonly ManifestLayer[] = [];
    const plain = stack.map(({ layer }) => layer);
    for (const [at, { layer, hasPart }] of [...stack.entries()].toReversed()) {
      const rest = hasPart ? await this.#leftOf(layer, { before: plain.slice(at + 1), after: left }) : layer;
      // Two layers may have become equal, and a head names a layer once.
      if (rest !== null) left = [rest, ...left.filter(({ id }) => id !== rest.id)];
    }
    return left;
  }

  /** Replaces squashes that contain the runs by the layers they replaced. */
  async #opened(layers: readonly ManifestLayer[]): Promise<readonly Opened[]> {
    const opened: Opened[] = [];
    for (const layer of layers) {
      const hasPart = await this.#hasPart(layer);
      const parts = hasPart ? this.#partsOf(layer) : [];
      const isOpened = parts.length > 0 && (await this.#areReadable(parts));
      opened.push(...(isOpened ? await this.#opened(parts) : [{ layer, hasPart }]));
    }
    return opened;
  }

  #partsOf({ id }: ManifestLayer): readonly ManifestLayer[] {
    return this.#of.manifest.squashes.find((squash) => squash.id === id)?.layers ?? [];
  }

  /** Whether all are readable. If one is lost, only the squash still has the others' work. */
  async #areReadable(layers: readonly ManifestLayer[]): Promise<boolean> {
    for (const layer of layers) {
      if (!(await this.#of.indexes.of(layer)).isRead) return false;
      if (!(await this.#areReadable(this.#partsOf(layer)))) return false;
    }
    return true;
  }

  /** Whether a layer has changes of the runs. If it is unreadable, its maker decides. */
  async #hasPart(layer: ManifestLayer): Promise<boolean> {
    const { runs, indexes } = this.#of;
    const found = await indexes.of(layer);
    if (found.isRead ? namesRun(found.index, runs) : runs.has(layer.run)) return true;
    for (const part of this.#partsOf(layer)) if (await this.#hasPart(part)) return true;
    return false;
  }

  /** Returns null if nothing is left. */
  async #leftOf(layer: ManifestLayer, below: Below): Promise<ManifestLayer | null> {
    const { layers } = this.#deps;
    const { manifest, runs, indexes, marked } = this.#of;
    const found = await indexes.of(layer);
    const rest = found.isRead ? withoutRun(found.index, runs, layer.run) : { kind: 'drop' as const };
    if (rest.kind === 'keep') return layer;
    const stored = rest.kind === 'drop' ? null : await this.#fetched(layer);
    // No machine can use this layer any more.
    if (rest.kind === 'drop' || stored === null) return null;
    const entries = await this.#staged(rest.entries, stored, below);
    const staged = await layers.stage({ changes: null, entries, sealedAtMs: stored.sealedAtMs }, this.#signal);
    await layers.publish(staged, this.#signal);
    const { indexBytes, data } = await sendLayer(this.#deps, { id: staged.id, marked }, this.#signal);
    const origins = new Set(rest.entries.flatMap((entry) => entry.origins));
    const other = manifest.runs.find(({ id }) => origins.has(id))?.id;
    // A clean-up's layer stays marked as one.
    const run = runs.has(layer.run) ? (other ?? layer.run) : layer.run;
    const files = entries.filter(({ entry }) => isHeldFile(entry)).length;
    return { ...layer, id: staged.id, run, files, indexBytes, data };
  }

  /** Returns the entries to keep. Drops a clean-up's rewritten files if something below is unavailable. */
  async #staged(
    entries: readonly Entry[],
    layer: StoredLayer,
    { before, after }: Below,
  ): Promise<readonly StagedEntry[]> {
    const over = writtenOver(entries, layer);
    const below = over.length === 0 ? null : await this.#openBelow(before, over);
    const left = below === null ? null : await this.#openBelow(after, over);
    if (below === null || left === null) return entries.map((entry) => stageFrom(entry, layer));
    const remains = left.map((each) => ({ layer: each, entries: [], changed: false }));
    return stageWithout(entries, { layer, before: below, after: remains }, toolOf(this.#deps.tools, this.#of.manifest));
  }

  /** Opens the layers below, and downloads only those that have the paths. Returns null if one cannot be read. */
  async #openBelow(layers: readonly ManifestLayer[], over: readonly Entry[]): Promise<readonly StoredLayer[] | null> {
    const opened: StoredLayer[] = [];
    for (const layer of layers) {
      const found = await this.#of.indexes.of(layer);
      if (!found.isRead) return null;
      const { index } = found;
      const isRead = over.some(({ path }) => index.find(path) !== undefined);
      const stored = isRead ? await this.#fetched(layer) : namesOnly(layer, index);
      if (stored === null) return null;
      opened.push(stored);
    }
    return opened;
  }

  /** Returns null if the layer is unavailable. */
  async #fetched(layer: ManifestLayer): Promise<StoredLayer | null> {
    const { layers, tools } = this.#deps;
    if (!(await layers.has(layer.id, this.#signal))) {
      const tool = toolOf(tools, this.#of.manifest);
      try {
        await pullLayer(this.#deps, { layer, tool, onBytes: () => undefined }, this.#signal);
      } catch (error) {
        if (isAboutLayer(error)) return null;
        throw error;
      }
    }
    return await layers.open(layer.id, this.#signal);
  }
}

interface Opened {
  readonly layer: ManifestLayer;
  /** Whether the runs changed something in it, or in what it replaced. */
  readonly hasPart: boolean;
}

/** The layers below, top first: before, and without the runs. */
interface Below {
  readonly before: readonly ManifestLayer[];
  readonly after: readonly ManifestLayer[];
}

/** Returns a layer whose content is not here. */
function namesOnly({ id, sealedAtMs }: ManifestLayer, index: LayerIndex): StoredLayer {
  const unread = (): never => {
    throw new CachelaneError('E_LAYER_MISSING', `the content of layer ${id.slice(0, 12)} is not here`);
  };
  return {
    key: id,
    index,
    entryCount: index.count,
    sealedAtMs,
    read: unread,
    readHead: unread,
    treeDir: null,
    image: null,
  };
}
