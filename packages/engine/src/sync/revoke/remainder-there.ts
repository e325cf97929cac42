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

/** Of layers of the remote; what is here is not asked for. */
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

/** What is left of a head of the remote without runs, sent; top first. Errors: those of the remote, E_REMOTE_BUSY where collections come between again and again. */
export async function remainderThere(
  deps: RemainderDependencies,
  of: Omit<RemainderOf, 'marked'>,
  signal: AbortSignal,
): Promise<readonly ManifestLayer[]> {
  for (let attempt = 0; attempt < limits.commitAttempts; attempt++) {
    const { collection, version } = await stillCollection(deps, signal);
    const layers = await new Remainder(deps, { ...of, marked: new Set(collection?.keys) }, signal).layers();
    // What was put, or found there, counts only under the state of collections that it was put under.
    if ((await readCollection(deps.remote, signal)).version === version) return layers;
  }
  throw new CachelaneError('E_REMOTE_BUSY', `${deps.remote.name} is collected again and again`, { retryable: true });
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

  /** From the bottom up: what a clean-up wrote anew is told by what is left below it. */
  async layers(): Promise<readonly ManifestLayer[]> {
    const stack = await this.#opened(this.#of.manifest.layers);
    let left: readonly ManifestLayer[] = [];
    const plain = stack.map(({ layer }) => layer);
    for (const [at, { layer, hasPart }] of [...stack.entries()].toReversed()) {
      const rest = hasPart ? await this.#leftOf(layer, { before: plain.slice(at + 1), after: left }) : layer;
      // Two that differed in what went may be one now, and no head names a layer twice.
      if (rest !== null) left = [rest, ...left.filter(({ id }) => id !== rest.id)];
    }
    return left;
  }

  /** With what squashes with a part of the runs replaced in the place of those. */
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

  /** Where one of them is lost there, the squash is all that is left of the others. */
  async #areReadable(layers: readonly ManifestLayer[]): Promise<boolean> {
    for (const layer of layers) {
      if (!(await this.#of.indexes.of(layer)).isRead) return false;
      if (!(await this.#areReadable(this.#partsOf(layer)))) return false;
    }
    return true;
  }

  /** One that cannot be read has it where its maker is one of the runs. */
  async #hasPart(layer: ManifestLayer): Promise<boolean> {
    const { runs, indexes } = this.#of;
    const found = await indexes.of(layer);
    if (found.isRead ? namesRun(found.index, runs) : runs.has(layer.run)) return true;
    for (const part of this.#partsOf(layer)) if (await this.#hasPart(part)) return true;
    return false;
  }

  /** Null: nothing. */
  async #leftOf(layer: ManifestLayer, below: Below): Promise<ManifestLayer | null> {
    const { layers } = this.#deps;
    const { manifest, runs, indexes, marked } = this.#of;
    const found = await indexes.of(layer);
    const rest = found.isRead ? withoutRun(found.index, runs, layer.run) : { kind: 'drop' as const };
    if (rest.kind === 'keep') return layer;
    const stored = rest.kind === 'drop' ? null : await this.#fetched(layer);
    // Nobody has anything of it from there.
    if (rest.kind === 'drop' || stored === null) return null;
    const entries = await this.#staged(rest.entries, stored, below);
    const staged = await layers.stage({ changes: null, entries, sealedAtMs: stored.sealedAtMs }, this.#signal);
    await layers.publish(staged, this.#signal);
    const { indexBytes, data } = await sendLayer(this.#deps, { id: staged.id, marked }, this.#signal);
    const origins = new Set(rest.entries.flatMap((entry) => entry.origins));
    const other = manifest.runs.find(({ id }) => origins.has(id))?.id;
    // What a clean-up made goes on to be known as such.
    const run = runs.has(layer.run) ? (other ?? layer.run) : layer.run;
    const files = entries.filter(({ entry }) => isHeldFile(entry)).length;
    return { ...layer, id: staged.id, run, files, indexBytes, data };
  }

  /** Where something below cannot be had, files that a clean-up wrote anew go whole. */
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

  /** Content is fetched of those alone that have something at these paths. Null where one of them cannot be read. */
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

  /** Null where it cannot be had. */
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
  /** The runs have a part in it, or in what it replaced. */
  readonly hasPart: boolean;
}

/** What a layer lies on, top first: as it was, and as it is without the runs. */
interface Below {
  readonly before: readonly ManifestLayer[];
  readonly after: readonly ManifestLayer[];
}

/** A layer of which only the index is here. */
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
