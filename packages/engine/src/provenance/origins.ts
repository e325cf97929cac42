import type { LayerId, LayerStore, Metadata, RunId } from '@cachelane/core';
import { isDamage } from '../base/is-damage.ts';

/** Finds the runs that layers name as origins; reads each layer once. */
export class Origins {
  readonly #layers: LayerStore;
  readonly #signal: AbortSignal;
  readonly #known = new Map<LayerId, ReadonlySet<RunId>>();

  constructor(layers: LayerStore, signal: AbortSignal) {
    this.#layers = layers;
    this.#signal = signal;
  }

  /** Returns an empty set for a missing or unreadable layer. */
  async of(id: LayerId): Promise<ReadonlySet<RunId>> {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const runs = new Set<RunId>();
    try {
      const { index } = await this.#layers.open(id, this.#signal);
      for (const { origins } of index.entries()) for (const run of origins) runs.add(run);
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
    this.#known.set(id, runs);
    return runs;
  }

  async names(id: LayerId, runs: ReadonlySet<RunId>): Promise<boolean> {
    return !(await this.of(id)).isDisjointFrom(runs);
  }
}

/** Returns the runs that had entries of the given runs in their views, in the order in which they ran. */
export async function readersOf(
  { metadata, origins }: { readonly metadata: Pick<Metadata, 'listReads'>; readonly origins: Origins },
  runs: ReadonlySet<RunId>,
  signal: AbortSignal,
): Promise<readonly RunId[]> {
  const readers = new Set<RunId>();
  for (const { run, layers } of await metadata.listReads(signal)) {
    if (runs.has(run) || readers.has(run)) continue;
    for (const id of layers) {
      if (!(await origins.names(id, runs))) continue;
      readers.add(run);
      break;
    }
  }
  return [...readers];
}
