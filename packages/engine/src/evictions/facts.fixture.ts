import {
  digestOf,
  formatLane,
  parseLane,
  parseNamespace,
  parseVolumeName,
  statedPolicy,
  type CollectionFacts,
  type HistoryRecord,
  type LaneName,
  type LayerId,
  type NamespaceId,
  type OwnDirectory,
  type PolicyTexts,
  type RunId,
  type StoredPolicy,
  type VolumeId,
} from '@cachelane/core';
import type { EvictionInput } from './plan-evictions.ts';

export const dayMs = 86_400_000;
export const hourMs = 3_600_000;
export const nowMs = 1_700_000_000_000;
/** Size of each layer, unless a store sets another one. */
export const mib: number = 2 ** 20;

export interface FactsHead {
  readonly namespace?: string;
  readonly volume?: string;
  readonly lane: string;
  /** Top first. */
  readonly layers: readonly string[];
  /** Age of the last use. */
  readonly usedMs: number;
  /** Earlier states, newest first: layers, and their age. */
  readonly earlier?: readonly (readonly [readonly string[], number])[];
  /** Squashes: the layer, what it replaced, and the age. */
  readonly squashes?: readonly (readonly [string, readonly string[], number])[];
  readonly isOpen?: boolean;
}

export interface FactsStore {
  readonly heads: readonly FactsHead[];
  readonly sizes?: Readonly<Record<string, number>>;
  readonly pins?: readonly string[];
  readonly policies?: readonly StoredPolicy[];
  readonly lanePolicies?: Readonly<Record<string, PolicyTexts>>;
  readonly directories?: readonly OwnDirectory[];
  readonly defaultLane?: string;
}

export const web = 'github.com/acme/web';

export function layerOf(text: string): LayerId {
  return digestOf(text) as LayerId;
}

function laneOf(text: string): LaneName {
  return formatLane(parseLane(text));
}

function idOf(namespace: string): NamespaceId {
  return `ns_${namespace}` as NamespaceId;
}

function volumeIdOf({ namespace = web, volume = 'npm' }: FactsHead): VolumeId {
  return `vol_${namespace}:${volume}` as VolumeId;
}

function generationOf({ earlier = [] }: FactsHead): number {
  return earlier.length + 1;
}

const noCounts = { added: 0, changed: 0, removed: 0, sizeBytes: 0 };
const run = 'run_1' as RunId;

/** Returns the facts of a store's metadata. */
export function factsOf(store: FactsStore): CollectionFacts {
  const namespaces = [...new Set(store.heads.map(({ namespace = web }) => namespace))];
  const volumes = new Map(
    store.heads.map((head) => [
      volumeIdOf(head),
      {
        id: volumeIdOf(head),
        namespaceId: idOf(head.namespace ?? web),
        name: parseVolumeName(head.volume ?? 'npm'),
        compat: {},
        tool: 'npm',
        sync: null,
        createdAtMs: 0,
      },
    ]),
  );
  return {
    isWhole: true,
    loose: new Set(),
    heldElsewhere: new Set(),
    sizes: new Map(),
    taken: { store: 0, levels: {}, namespace: 0 },
    crowded: [],
    levels: new Set(),
    volumesElsewhere: new Set(),
    namespaces: namespaces.map((path) => ({ id: idOf(path), paths: [parseNamespace(path)], createdAtMs: 0 })),
    defaultLanes: new Map(
      store.defaultLane === undefined ? [] : namespaces.map((path) => [idOf(path), laneOf(store.defaultLane ?? '')]),
    ),
    volumes: [...volumes.values()],
    heads: store.heads.map((head) => ({
      volumeId: volumeIdOf(head),
      lane: laneOf(head.lane),
      generation: generationOf(head),
      layers: head.layers.map(layerOf),
      updatedAtMs: nowMs - head.usedMs,
      usedAtMs: nowMs - head.usedMs,
      run,
    })),
    history: store.heads.flatMap((head): readonly HistoryRecord[] => {
      const states = [[head.layers, head.usedMs] as const, ...(head.earlier ?? [])];
      return states.map(([layers, agoMs], index) => ({
        volumeId: volumeIdOf(head),
        lane: laneOf(head.lane),
        generation: generationOf(head) - index,
        layers: layers.map(layerOf),
        layer: layers[0] === undefined ? null : layerOf(layers[0]),
        run,
        atMs: nowMs - agoMs,
        counts: noCounts,
      }));
    }),
    squashes: store.heads.flatMap((head) =>
      (head.squashes ?? []).map(([id, layers, agoMs]) => ({
        volumeId: volumeIdOf(head),
        lane: laneOf(head.lane),
        id: layerOf(id),
        layers: layers.map(layerOf),
        atMs: nowMs - agoMs,
      })),
    ),
    pins: new Set((store.pins ?? []).map(layerOf)),
    open: store.heads.flatMap((head) =>
      head.isOpen === true ? [{ volumeId: volumeIdOf(head), lane: laneOf(head.lane) }] : [],
    ),
    policies: store.policies ?? [],
    lanePolicies: Object.entries(store.lanePolicies ?? {}).map(([lane, texts]) => ({
      namespaceId: idOf(web),
      lane: laneOf(lane),
      texts,
      source: 'cachelane.yaml',
    })),
  };
}

export type InputOptions = Partial<Omit<EvictionInput, 'facts' | 'policies' | 'sizes'>> & {
  /** From the person's own file. */
  readonly user?: PolicyTexts;
};

export function inputOf(store: FactsStore, { user = {}, ...options }: InputOptions = {}): EvictionInput {
  const facts = factsOf(store);
  const names = [
    ...store.heads.flatMap(({ layers, earlier = [], squashes = [] }) => [
      ...layers,
      ...earlier.flatMap(([each]) => each),
      ...squashes.flatMap(([, each]) => each),
    ]),
    ...(store.pins ?? []),
  ];
  return {
    facts,
    directories: store.directories ?? [],
    policies: { user: statedPolicy(user, 'own file'), stored: facts.policies, lanes: facts.lanePolicies },
    sizes: new Map(names.map((name) => [layerOf(name), store.sizes?.[name] ?? mib])),
    space: null,
    nowMs,
    upTo: 'T3',
    hasSpare: false,
    ...options,
  };
}
