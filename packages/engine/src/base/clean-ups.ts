import type { LayerId, Metadata } from '@cachelane/core';

/**
 * What is left of a stack (top first) where some of it cannot be had. A clean-up goes with whatever is missing below it, and costs space: it names what it saw, and hides what names the rest.
 */
export function standing(
  stack: readonly LayerId[],
  { isHere, cleanUps }: { readonly isHere: (id: LayerId) => boolean; readonly cleanUps: ReadonlySet<LayerId> },
): readonly LayerId[] {
  const deepest = stack.findLastIndex((id) => !isHere(id));
  return stack.filter((id, index) => isHere(id) && (index > deepest || !cleanUps.has(id)));
}

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
