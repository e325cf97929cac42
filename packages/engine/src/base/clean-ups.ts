import type { LayerId, Metadata } from '@cachelane/core';

/**
 * Returns what remains of a stack (top first) after layers are lost. Drops a clean-up when a layer below it is lost, because the clean-up
 * hides paths that the remaining layers name.
 */
export function standing(
  stack: readonly LayerId[],
  { isHere, cleanUps }: { readonly isHere: (id: LayerId) => boolean; readonly cleanUps: ReadonlySet<LayerId> },
): readonly LayerId[] {
  const deepest = stack.findLastIndex((id) => !isHere(id));
  return stack.filter((id, index) => isHere(id) && (index > deepest || !cleanUps.has(id)));
}

/** Returns the layers that prune runs made. Such a layer is only valid directly above the layers its run saw, since it holds whole files that name them. */
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
