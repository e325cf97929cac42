import type { LayerId } from '../layers/entry.ts';
import { limits } from '../base/limits.ts';

/** A layer that took the place of neighbouring ones in a head, for good: it shows what they showed. */
export interface SquashRecord {
  readonly id: LayerId;
  /** What it replaces, top first; some of them may be squashes themselves. */
  readonly layers: readonly LayerId[];
  /** When, milliseconds since the epoch; it is known as a squash for `limits.revocationMs`. */
  readonly atMs: number;
}

/**
 * What is known of a lane's squashes. Heads that were squashed differently are compared by what their squashes stand for, and written down with the squashes that
 * still fit. A squash of which nothing is known (any more) is a layer like others.
 */
export class Squashes {
  readonly records: readonly SquashRecord[];
  readonly #byId: ReadonlyMap<LayerId, SquashRecord>;
  readonly #expanded = new Map<LayerId, readonly LayerId[]>();

  /** Of two records of one squash the first counts; of those that say together that a squash stands for itself, or for others without end, some count for nothing: records come from elsewhere. */
  constructor(records: Iterable<SquashRecord>) {
    const byId = new Map<LayerId, SquashRecord>();
    for (const record of records) if (!byId.has(record.id) && record.layers.length > 0) byId.set(record.id, record);
    dropEndless(byId);
    this.#byId = byId;
    this.records = [...byId.values()];
  }

  /** What the layer replaces, top first; empty for one that is no squash. */
  partsOf(id: LayerId): readonly LayerId[] {
    return this.#byId.get(id)?.layers ?? [];
  }

  /** The same stack without squashes, each layer once. */
  expand(ids: Iterable<LayerId>): readonly LayerId[] {
    const layers = new Set<LayerId>();
    for (const id of ids) for (const layer of this.#expandOne(id)) layers.add(layer);
    return [...layers];
  }

  /** The squashes that `ids` are, and those that these are made of. */
  within(ids: Iterable<LayerId>): readonly SquashRecord[] {
    const found = new Map<LayerId, SquashRecord>();
    const visit = (id: LayerId): void => {
      const record = this.#byId.get(id);
      if (record === undefined || found.has(id)) return;
      found.set(id, record);
      record.layers.forEach(visit);
    };
    for (const id of ids) visit(id);
    return [...found.values()];
  }

  /** All that is inside of `ids`, at any depth, squashes too; not they themselves. */
  inside(ids: Iterable<LayerId>): ReadonlySet<LayerId> {
    return new Set(this.within(ids).flatMap(({ layers }) => layers));
  }

  /**
   * The stack `layers` (top first, without squashes) told with squashes: with those among `wished`, or among what these are made of, that show exactly what they stand for.
   * The first that fits wins, unless a later one stands for more. `isWanted` tells which may be named.
   */
  contract(
    layers: readonly LayerId[],
    wished: Iterable<LayerId>,
    isWanted: (id: LayerId) => boolean = () => true,
  ): readonly LayerId[] {
    const stack = new Stack(layers);
    const seen = new Set<LayerId>();
    const visit = (id: LayerId): void => {
      const parts = this.partsOf(id);
      if (parts.length === 0 || seen.has(id)) return;
      seen.add(id);
      if (!isWanted(id) || !stack.replace(this.expand([id]), id)) parts.forEach(visit);
    };
    for (const id of wished) visit(id);
    return stack.ids();
  }

  /** What a list says that names squashes beside what they stand for, without them: one that is named alone stands for all of it. */
  plain(ids: Iterable<LayerId>): ReadonlySet<LayerId> {
    const named = new Set(ids);
    const plain = new Set<LayerId>();
    for (const id of named) {
      const layers = this.expand([id]);
      if (layers.length === 1 || !layers.some((layer) => named.has(layer)))
        for (const layer of layers) plain.add(layer);
    }
    return plain;
  }

  #expandOne(id: LayerId): readonly LayerId[] {
    const known = this.#expanded.get(id);
    if (known !== undefined) return known;
    const parts = this.partsOf(id);
    const layers = parts.length === 0 ? [id] : parts.flatMap((part) => this.#expandOne(part));
    this.#expanded.set(id, layers);
    return layers;
  }
}

/** Not by recursion, whose depth somebody else would choose. */
function dropEndless(byId: Map<LayerId, SquashRecord>): void {
  const depths = new Map<LayerId, number>();
  const begun = new Set<LayerId>();
  const left = [...byId.keys()];
  for (let id = left.at(-1); id !== undefined; id = left.at(-1)) {
    const parts = byId.get(id)?.layers ?? [];
    const isBegun = begun.has(id);
    begun.add(id);
    const inside = isBegun ? [] : parts.filter((part) => byId.has(part) && !begun.has(part));
    if (inside.length > 0) {
      left.push(...inside);
      continue;
    }
    left.pop();
    if (depths.has(id)) continue;
    // What is begun and has no depth yet lies above.
    const depth = parts.reduce((deepest, part) => Math.max(deepest, 1 + depthOf(part)), 0);
    if (depth > limits.squashDepth) byId.delete(id);
    depths.set(id, depth > limits.squashDepth ? 0 : depth);
  }

  function depthOf(id: LayerId): number {
    return depths.get(id) ?? (byId.has(id) ? Infinity : 0);
  }
}

/** Where `part` lies in the stack, in its order and with nothing between; undefined where it does not. */
export function placeOf(stack: readonly LayerId[], part: readonly LayerId[]): number | undefined {
  const first = part[0] === undefined ? -1 : stack.indexOf(part[0]);
  return first >= 0 && part.every((id, index) => stack[first + index] === id) ? first : undefined;
}

/** Layers of a stack, and which squash stands for which of them. */
class Stack {
  readonly #layers: readonly LayerId[];
  readonly #places: ReadonlyMap<LayerId, number>;
  /** For each layer what stands for it. */
  readonly #shown: LayerId[];

  constructor(layers: readonly LayerId[]) {
    this.#layers = layers;
    this.#places = new Map(layers.map((id, index) => [id, index]));
    this.#shown = [...layers];
  }

  /** False where the layers do not lie side by side, or a squash stands for some of them and for others. */
  replace(layers: readonly LayerId[], by: LayerId): boolean {
    const first = this.#places.get(layers[0] as LayerId);
    if (first === undefined) return false;
    const last = first + layers.length;
    if (layers.some((id, index) => this.#layers[first + index] !== id)) return false;
    const isCut = (index: number): boolean =>
      index > 0 && index < this.#shown.length && this.#shown[index - 1] === this.#shown[index];
    const isOne = this.#shown[first] === this.#shown[last - 1];
    if (isOne || isCut(first) || isCut(last)) return false;
    this.#shown.fill(by, first, last);
    return true;
  }

  ids(): readonly LayerId[] {
    return this.#shown.filter((id, index) => index === 0 || this.#shown[index - 1] !== id);
  }
}
