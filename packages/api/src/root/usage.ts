import type { LayerId } from '@cachelane/core';
import { holdersOf, listHeads, type ListedHead } from '@cachelane/engine';
import { mayKnow } from '../caller.ts';
import type { ApiRequest } from '../request.ts';

export type UsageGroup = 'NAMESPACE' | 'LANE';

/** By the names of namespace and lane. */
export async function usage(request: ApiRequest, by: UsageGroup): Promise<readonly object[]> {
  const { world, caller, signal } = request;
  const known = new Set(
    (await world.deps.metadata.listNamespaces(signal))
      .filter(({ paths }) => mayKnow(caller, paths))
      .map(({ id }) => id),
  );
  const all = await listHeads(world.deps.metadata, signal);
  const seen = all.filter(({ volume }) => known.has(volume.namespaceId));
  const groups = Map.groupBy(seen, ({ namespace, head }) =>
    JSON.stringify(by === 'LANE' ? [namespace, head.lane] : [namespace]),
  );
  // Whether others have the same layer is nothing that a confined session is told.
  const holders = holdersOf(caller.client.place.isConfined ? seen : all);
  return [...groups].map(([key, heads]) => {
    const [namespace, lane = null] = JSON.parse(key) as readonly [string, string?];
    const sizes = sizesOf(heads);
    const own = holdersOf(heads);
    const unique = [...sizes].filter(([id]) => own.get(id) === holders.get(id));
    return {
      namespace,
      lane,
      volumes: new Set(heads.map(({ volume }) => volume.id)).size,
      heads: heads.length,
      sizeBytes: sumOf(sizes),
      uniqueBytes: sumOf(unique),
    };
  });
}

/** Of each layer, once. */
function sizesOf(heads: readonly ListedHead[]): ReadonlyMap<LayerId, number> {
  const sizes = new Map<LayerId, number>();
  for (const { head, layers } of heads)
    for (const [index, id] of head.layers.entries()) sizes.set(id, layers[index]?.counts.sizeBytes ?? 0);
  return sizes;
}

function sumOf(sizes: Iterable<readonly [LayerId, number]>): number {
  let total = 0;
  for (const [, size] of sizes) total += size;
  return total;
}
