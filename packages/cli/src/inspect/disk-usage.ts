import { policyAt, type LayerId, type NamespaceId, type StoreUsage, type VolumeId } from '@cachelane/core';
import { holdersOf, findRemovable, listHeads, type ListedHead } from '@cachelane/engine';
import { garbageOptions } from '../config/garbage-options.ts';
import type { Host } from '../host/host.ts';
import type { ReadStore } from '../home/store.ts';

/** Disk usage of one head. Sizes are those of its layers' contents. */
export interface HeadUsage {
  readonly listed: ListedHead;
  /** Of layers that only this head names. Removing the head frees it once history expires. */
  readonly uniqueBytes: number;
  readonly sharedBytes: number;
  /** The size limit; Infinity for none. */
  readonly budgetBytes: number;
}

interface StoreTotals {
  readonly onDisk: StoreUsage;
  readonly layers: number;
  readonly derived: number;
  /** Content of layers that only history or running commands use. */
  readonly keptBytes: number;
  /** What `cachelane gc` would free now. */
  readonly reclaimable: { readonly layers: number; readonly derived: number; readonly bytes: number };
  /** Unreferenced layers that are too young for `cachelane gc`. */
  readonly young: { readonly layers: number; readonly bytes: number };
}

export interface Usage {
  readonly heads: readonly HeadUsage[];
  /** Content of these heads' layers, each counted once. */
  readonly headBytes: number;
  /** Null if only a part of the store was requested. */
  readonly store: StoreTotals | null;
}

/** Selects everything, the volumes of a namespace, or some volumes. */
export type UsageFilter =
  | { readonly kind: 'all' }
  | { readonly kind: 'namespace'; readonly id: NamespaceId | undefined }
  | { readonly kind: 'volumes'; readonly ids: ReadonlySet<VolumeId> };

export async function usageOf(
  { host, store }: { readonly host: Host; readonly store: ReadStore },
  filter: UsageFilter,
): Promise<Usage> {
  const { metadata, signal } = store;
  const layers = await store.layers();
  const all = await listHeads(store.metadata, store.signal);
  const sizes = new Map((await layers.list(signal)).map(({ id, sizeBytes }) => [id, sizeBytes]));
  const sizeOf = (ids: Iterable<LayerId>): number => {
    let bytes = 0;
    for (const id of ids) bytes += sizes.get(id) ?? 0;
    return bytes;
  };
  const holders = holdersOf(all);
  const options = await garbageOptions(host);
  const facts = await metadata.collectionFacts(
    {
      lanes: 'all',
      nowMs: host.clock.nowMs(),
      user: options.policy,
      gone: [],
      layers: [],
      volumes: [],
      namespace: null,
    },
    signal,
  );
  const policies = { user: options.policy, stored: facts.policies, lanes: facts.lanePolicies };
  const budgetOf = ({ namespace, volume, head: { lane } }: ListedHead): number => {
    const { namespaceId, name } = volume;
    const paths = facts.namespaces.find(({ id }) => id === namespaceId)?.paths ?? [namespace];
    return policyAt(policies, { paths, lane: { namespaceId, lane }, volume: name })['volume-budget'].value;
  };
  const wanted = all.filter((listed) => isWanted(listed, filter));
  const heads = wanted.map((listed) => {
    const ids = new Set(listed.head.layers);
    const uniqueBytes = sizeOf([...ids].filter((id) => holders.get(id) === 1));
    return { listed, uniqueBytes, sharedBytes: sizeOf(ids) - uniqueBytes, budgetBytes: budgetOf(listed) };
  });
  const headBytes = sizeOf(new Set(wanted.flatMap(({ head }) => head.layers)));
  if (filter.kind !== 'all') return { heads, headBytes, store: null };

  const mounters = await store.mounters();
  const deps = { layers, metadata, mounters, clock: host.clock };
  const { removable: garbage } = await findRemovable(deps, { ...options, all: true }, signal);
  const reclaimableBytes = sizeOf(garbage.layers.map(({ id }) => id));
  const youngBytes = sizeOf(garbage.young.map(({ id }) => id));
  return {
    heads,
    headBytes,
    store: {
      onDisk: await layers.usage(signal),
      layers: sizes.size,
      derived: (await layers.listDerived(signal)).length,
      keptBytes: sizeOf(sizes.keys()) - headBytes - reclaimableBytes - youngBytes,
      reclaimable: { layers: garbage.layers.length, derived: garbage.derived.length, bytes: reclaimableBytes },
      young: { layers: garbage.young.length, bytes: youngBytes },
    },
  };
}

function isWanted({ volume }: ListedHead, filter: UsageFilter): boolean {
  if (filter.kind === 'volumes') return filter.ids.has(volume.id);
  return filter.kind === 'all' || volume.namespaceId === filter.id;
}
