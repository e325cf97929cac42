import type { LayerId } from '../layers/entry.ts';
import { limits } from '../base/limits.ts';

/** A layer that permanently replaced neighbouring layers of a head, with the same contents. */
export interface SquashRecord {
  readonly id: LayerId;
  /** The replaced layers, top first; some may be squashes themselves. */
  readonly layers: readonly LayerId[];
  /** When it was made, in milliseconds since the epoch. The record lives for `limits.revocationMs`. */
  readonly atMs: number;
}

/**
 * The known squashes of a lane. Heads with different squashes are compared by the layers that these replaced. A
 * squash without a record is an ordinary layer.
 */
export class Squashes {
  readonly records: readonly SquashRecord[];
  readonly #byId: ReadonlyMap<LayerId, SquashRecord>;
  readonly #expanded = new Map<LayerId, readonly LayerId[]>();

  /**
   * For duplicate records the first counts. Records come from other machines, so cyclic and too deep ones are
   * dropped.
   */
  constructor(records: Iterable<SquashRecord>) {
    const byId = new Map<LayerId, SquashRecord>();
    for (const record of records) if (!byId.has(record.id) && record.layers.length > 0) byId.set(record.id, record);
    dropEndless(byId);
    this.#byId = byId;
    this.records = [...byId.values()];
  }

  /** Returns the replaced layers, top first; empty for an ordinary layer. */
  partsOf(id: LayerId): readonly LayerId[] {
    return this.#byId.get(id)?.layers ?? [];
  }

  /** Returns the stack without squashes, each layer once. */
  expand(ids: Iterable<LayerId>): readonly LayerId[] {
    const layers = new Set<LayerId>();
    for (const id of ids) for (const layer of this.#expandOne(id)) layers.add(layer);
    return [...layers];
  }

  /** Returns the squashes among `ids`, and those inside them. */
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

  /** Returns everything inside `ids` at any depth, including squashes, without `ids` themselves. */
  inside(ids: Iterable<LayerId>): ReadonlySet<LayerId> {
    return new Set(this.within(ids).flatMap(({ layers }) => layers));
  }

  /**
   * Returns the stack `layers` (top first, without squashes) with squashes that match parts of it exactly: those in
   * `wished`, or inside them. The first match wins, unless a later one covers more. `isWanted` filters the squashes.
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

  /**
   * Returns the layers of a list without squashes named beside their parts. A squash named alone means all its parts.
   */
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

/** Iterative, because other machines choose the depth. */
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
    // A squash that is begun and has no depth yet is an ancestor.
    const depth = parts.reduce((deepest, part) => Math.max(deepest, 1 + depthOf(part)), 0);
    if (depth > limits.squashDepth) byId.delete(id);
    depths.set(id, depth > limits.squashDepth ? 0 : depth);
  }

  function depthOf(id: LayerId): number {
    return depths.get(id) ?? (byId.has(id) ? Infinity : 0);
  }
}

/** Returns the position of `part` in the stack if its layers are neighbours in that order. */
export function placeOf(stack: readonly LayerId[], part: readonly LayerId[]): number | undefined {
  const first = part[0] === undefined ? -1 : stack.indexOf(part[0]);
  return first >= 0 && part.every((id, index) => stack[first + index] === id) ? first : undefined;
}

/** The layers of a stack, with the squashes that replace some of them. */
class Stack {
  readonly #layers: readonly LayerId[];
  readonly #places: ReadonlyMap<LayerId, number>;
  /** The layer or squash shown for each layer. */
  readonly #shown: LayerId[];

  constructor(layers: readonly LayerId[]) {
    this.#layers = layers;
    this.#places = new Map(layers.map((id, index) => [id, index]));
    this.#shown = [...layers];
  }

  /** Replaces neighbouring layers. Returns false if they are not neighbours, or if another squash overlaps them. */
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
