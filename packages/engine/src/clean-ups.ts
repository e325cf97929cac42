import type { LayerId, Metadata } from '@cachelane/core';

/**
 * Of layers those that prune runs made. One has its place right above what its run saw: what it keeps of a file is the whole of it, and names whatever that run found, so on top of anything else it may name what is not
 * there.
 */
export async function cleanUpsAmong(
  metadata: Pick<Metadata, 'layer' | 'run'>,
  ids: readonly LayerId[],
  signal: AbortSignal,
): Promise<ReadonlySet<LayerId>> {
  const found = new Set<LayerId>();
  for (const id of ids) {
    const layer = await metadata.layer(id, signal);
    const run = layer === undefined ? undefined : await metadata.run(layer.run, signal);
    if (run?.purpose === 'prune') found.add(id);
  }
  return found;
}
