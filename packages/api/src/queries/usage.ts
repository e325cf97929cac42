import type { LayerId } from '@cachelane/core';
import { holdersOf, listHeads, listHeadsOf, type ListedHead } from '@cachelane/engine';
import { allKnownVolumes } from '../volumes/known-volumes.ts';
import type { ApiRequest } from '../request/request.ts';

export type UsageGroup = 'NAMESPACE' | 'LANE';

/** Returns usage by namespace and lane. */
export async function usage(request: ApiRequest, by: UsageGroup): Promise<readonly object[]> {
  const seen = await knownHeads(request);
  const groups = Map.groupBy(seen, ({ namespace, head }) =>
    JSON.stringify(by === 'LANE' ? [namespace, head.lane] : [namespace]),
  );
  // Counts holders that the session may see: whether others hold a layer stays secret.
  const holders = holdersOf(seen);
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

async function knownHeads(request: ApiRequest): Promise<readonly ListedHead[]> {
  const { world, caller, signal } = request;
  const { metadata } = world.deps;
  if (!caller.client.place.isConfined) return await listHeads(metadata, signal);
  return await listHeadsOf(metadata, await allKnownVolumes(request), signal);
}

/** Returns the size of each layer. */
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
