import {
  CachelaneError,
  digestOf,
  displayPath,
  encodeIndex,
  invariant,
  limits,
  openIndex,
  type BytePath,
  type Digest,
  type Entry,
  type IncomingLayer,
  type LayerId,
  type LayerIndex,
  type LayerStore,
  type Space,
  type StagedEntry,
  type StagedLayer,
  type StageRequest,
  type StoredLayer,
  type StoreUsage,
} from '@cachelane/core';

interface MemoryLayer {
  readonly index: LayerIndex;
  readonly sealedAtMs: number;
  readonly sizeBytes: number;
  readonly bootId: string;
  /** By path; tests may remove or change contents. */
  readonly contents: Map<BytePath, Uint8Array>;
  usedAtMs: number;
  isSettled: boolean;
  /** Set by tests; cleared by an extraction. */
  isImage: boolean;
}

/** Shared by all handles of one store, like a disk. */
export interface MemoryLayerDisk {
  readonly layers: Map<LayerId, MemoryLayer>;
  readonly derived: Map<Digest, MemoryLayer>;
  /** Set by tests. */
  space: Space;
}

export function memoryLayerDisk(): MemoryLayerDisk {
  const bytes = 2 ** 40;
  return { layers: new Map(), derived: new Map(), space: { freeBytes: bytes, totalBytes: bytes } };
}

export interface MemoryLayersOptions {
  readonly disk?: MemoryLayerDisk;
  readonly bootId?: string;
  readonly nowMs?: () => number;
}

/** A layer store without files. Tests damage published content through `disk`. */
export function openMemoryLayers({
  disk = memoryLayerDisk(),
  bootId = 'boot-1',
  nowMs = () => 0,
}: MemoryLayersOptions = {}): LayerStore {
  const stagings = new WeakMap<StagedLayer, MemoryLayer>();

  const stage = (request: StageRequest): MemoryLayer & { readonly id: LayerId } => {
    const bytes = encodeIndex(request.entries.map(({ entry }) => entry));
    const contents = new Map<BytePath, Uint8Array>();
    for (const staged of request.entries) {
      const content = contentOf(request, staged);
      if (content !== undefined) contents.set(staged.entry.path, content);
    }
    return {
      id: digestOf(bytes) as LayerId,
      index: openIndex(bytes),
      sealedAtMs: request.sealedAtMs,
      sizeBytes: request.entries.reduce((sum, { entry }) => sum + entry.sizeBytes, 0),
      bootId,
      contents,
      usedAtMs: nowMs(),
      isSettled: false,
      isImage: false,
    };
  };

  const openDerived = (key: Digest): StoredLayer | undefined => {
    const layer = disk.derived.get(key);
    if (layer === undefined) return undefined;
    layer.usedAtMs = nowMs();
    return toStored(key, layer);
  };

  const open = (id: LayerId): StoredLayer => {
    const layer = disk.layers.get(id);
    if (layer === undefined) throw missing(id);
    return toStored(id, layer);
  };

  return {
    open: (id, signal) => call(signal, () => open(id)),
    has: (id, signal) => call(signal, () => disk.layers.has(id)),
    stage: (request, signal) =>
      call(signal, () => {
        const layer = stage(request);
        const staged: StagedLayer = { id: layer.id, sizeBytes: layer.sizeBytes, index: layer.index };
        stagings.set(staged, layer);
        return staged;
      }),
    publish: (staged, signal) =>
      call(signal, () => {
        const layer = stagings.get(staged);
        invariant(layer !== undefined || disk.layers.has(staged.id), 'only staged layers are published');
        const old = disk.layers.get(staged.id);
        if (layer !== undefined && (old === undefined || problemsOf(old).length > 0)) disk.layers.set(staged.id, layer);
        stagings.delete(staged);
      }),
    pack: (packed, signal) =>
      call(signal, () => {
        const id = typeof packed === 'string' ? packed : packed.id;
        const layer = typeof packed === 'string' ? disk.layers.get(packed) : stagings.get(packed);
        if (layer === undefined) throw missing(id);
        return { index: encodeIndex([...layer.index.entries()]), data: contentsInOrder(toStored(id, layer)) };
      }),
    unpack: async (incoming, signal) => {
      const layer = { ...(await takeIn(incoming)), bootId, usedAtMs: nowMs(), isSettled: false, isImage: false };
      return await call(signal, () => {
        const staged: StagedLayer = { id: layer.id, sizeBytes: layer.sizeBytes, index: layer.index };
        stagings.set(staged, layer);
        return staged;
      });
    },
    extract: (id, signal) =>
      call(signal, () => {
        const layer = disk.layers.get(id);
        if (layer?.isImage === true) {
          const [problem] = problemsOf(layer);
          if (problem !== undefined) throw new CachelaneError('E_LAYER_CORRUPT', problem);
          layer.isImage = false;
        }
        return open(id);
      }),
    unstage: (staged, signal) => call(signal, () => void stagings.delete(staged)),
    openDerived: (key, signal) => call(signal, () => openDerived(key)),
    derive: (key, request, signal) =>
      call(signal, () => {
        const known = openDerived(key);
        if (known !== undefined) return known;
        const layer = stage(request);
        disk.derived.set(key, layer);
        return toStored(key, layer);
      }),
    list: (signal) =>
      call(signal, () => [...disk.layers].map(([id, { sealedAtMs, sizeBytes }]) => ({ id, sealedAtMs, sizeBytes }))),
    describe: (ids, signal) =>
      call(signal, () =>
        ids.flatMap((id) => {
          const layer = disk.layers.get(id);
          return layer === undefined ? [] : [{ id, sealedAtMs: layer.sealedAtMs, sizeBytes: layer.sizeBytes }];
        }),
      ),
    listDerived: (signal) => call(signal, () => [...disk.derived].map(([key, { usedAtMs }]) => ({ key, usedAtMs }))),
    space: (signal) => call(signal, () => disk.space),
    usage: (signal) => call(signal, () => usageOf(disk)),
    isThere: (id) => disk.layers.has(id),
    remove: (ids) => {
      for (const id of ids) disk.layers.delete(id);
    },
    removeDerived: (keys) => {
      for (const key of keys) disk.derived.delete(key);
    },
    verify: (id, signal, onBytes) =>
      call(signal, () => {
        const layer = disk.layers.get(id);
        if (layer === undefined) throw missing(id);
        onBytes?.(layer.sizeBytes);
        const problems = problemsOf(layer);
        return { key: id, ok: problems.length === 0, problems };
      }),
    isSettled: (id, signal) =>
      call(signal, () => {
        const layer = disk.layers.get(id);
        return layer !== undefined && (layer.isSettled || layer.bootId === bootId);
      }),
    sweep: (_nowMs, signal) => call(signal, () => []),
    sweepImages: (_nowMs, signal) => call(signal, () => []),
  };
}

/** Every call yields first, so that tests see realistic interleavings. */
async function call<T>(signal: AbortSignal, act: () => T): Promise<T> {
  await Promise.resolve();
  if (signal.aborted) throw new CachelaneError('E_ABORTED', 'stopped on request', { cause: signal.reason });
  return act();
}

function contentOf({ changes }: StageRequest, staged: StagedEntry): Uint8Array | undefined {
  const { entry } = staged;
  const isRemoval = entry.removed === 'counted' || entry.removed === 'hint';
  invariant(isRemoval === (staged.from === 'removal'), 'a removal staged as content, or content staged as a removal');
  switch (staged.from) {
    case 'removal':
      return undefined;
    case 'made':
      invariant(entry.type === 'dir', 'only directories are made');
      return undefined;
    case 'content':
      return checked(entry, staged.content);
    case 'layer':
      return entry.type === 'dir' ? undefined : checked(entry, staged.layer.read(entry.path));
    case 'change': {
      const change = changes?.find(entry.path);
      invariant(changes !== null && change?.kind === entry.type, 'an entry matches its change');
      if (change.kind === 'symlink') return checked(entry, change.target);
      return change.kind === 'file' ? checked(entry, changes.read(entry.path)) : undefined;
    }
  }
}

function checked(entry: Entry, content: Uint8Array): Uint8Array {
  if (digestOf(content) !== entry.digest) {
    throw new CachelaneError('E_LAYER_REFUSED', `${displayPath(entry.path)} differs from its entry`);
  }
  return Uint8Array.from(content);
}

function toStored(key: Digest, layer: MemoryLayer): StoredLayer {
  const read = (path: BytePath): Uint8Array => {
    const content = layer.contents.get(path);
    const entry = layer.index.find(path);
    if (content === undefined || entry === undefined || digestOf(content) !== entry.digest) {
      throw new CachelaneError(
        'E_LAYER_CORRUPT',
        `${displayPath(path)} is missing or damaged in layer ${key.slice(0, 12)}`,
      );
    }
    return content;
  };
  return {
    key,
    index: layer.index,
    entryCount: layer.index.count,
    sealedAtMs: layer.sealedAtMs,
    read,
    readHead: (path, count) => read(path).subarray(0, count),
    treeDir: null,
    image: layer.isImage ? `/memory/images/${key}` : null,
  };
}

function problemsOf({ index, contents }: MemoryLayer): readonly string[] {
  const problems: string[] = [];
  for (const { path, digest } of index.entries()) {
    const content = contents.get(path);
    if (digest !== null && content === undefined) problems.push(`${displayPath(path)} is missing`);
    else if (content !== undefined && digestOf(content) !== digest)
      problems.push(`${displayPath(path)} has wrong content`);
  }
  for (const path of contents.keys()) {
    if (index.find(path) === undefined) problems.push(`${displayPath(path)} is not in the index`);
  }
  return problems.slice(0, limits.conflictsReported);
}

/** Digests identify contents, like inodes on a disk. */
function usageOf({ layers, derived }: MemoryLayerDisk): StoreUsage {
  const seen = new Set<Digest>();
  const bytesOf = (stored: Iterable<MemoryLayer>): number => {
    let bytes = 0;
    for (const { contents } of stored) {
      for (const content of contents.values()) {
        const digest = digestOf(content);
        if (!seen.has(digest)) bytes += content.length;
        seen.add(digest);
      }
    }
    return bytes;
  };
  return {
    layersBytes: bytesOf(layers.values()),
    derivedBytes: bytesOf(derived.values()),
    keptDirectoriesBytes: 0,
    providedImagesBytes: 0,
    otherBytes: 0,
  };
}

/** Returns the wire form: contents in index order. The index has their sizes. */
async function* contentsInOrder(layer: StoredLayer): AsyncGenerator<Uint8Array> {
  for (const { path, digest } of layer.index.entries()) {
    await Promise.resolve();
    if (digest !== null) yield layer.read(path);
  }
}

async function takeIn({
  id,
  index: bytes,
  data,
  sealedAtMs,
}: IncomingLayer): Promise<
  Pick<MemoryLayer, 'index' | 'sealedAtMs' | 'sizeBytes' | 'contents'> & { readonly id: LayerId }
> {
  if (digestOf(bytes) !== id) throw refused('its index does not match its id');
  const index = openIndex(bytes);
  const chunks: Uint8Array[] = [];
  for await (const chunk of data) chunks.push(chunk);
  const all = Buffer.concat(chunks);
  const contents = new Map<BytePath, Uint8Array>();
  let at = 0;
  let sizeBytes = 0;
  for (const { path, digest, sizeBytes: size } of index.entries()) {
    sizeBytes += size;
    if (digest === null) continue;
    const content = all.subarray(at, (at += size));
    if (digestOf(content) !== digest) throw refused(`index and content differ at ${displayPath(path)}`);
    contents.set(path, Uint8Array.from(content));
  }
  if (at !== all.length) throw refused('it has more content than its index says');
  return { id, index, sealedAtMs, sizeBytes, contents };
}

function refused(why: string): CachelaneError {
  return new CachelaneError('E_LAYER_REFUSED', `the layer is refused: ${why}`);
}

function missing(id: LayerId): CachelaneError {
  return new CachelaneError('E_LAYER_MISSING', `layer ${id.slice(0, 12)} is not in the store`);
}
