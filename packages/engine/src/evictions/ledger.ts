import type { LayerId } from '@cachelane/core';

/** Counts bytes of shared layers once each, until the last holder releases them. */
export class Ledger {
  readonly #sizeOf: (id: LayerId) => number;
  readonly #holders = new Map<LayerId, number>();
  #bytes = 0;

  constructor(sizeOf: (id: LayerId) => number) {
    this.#sizeOf = sizeOf;
  }

  get bytes(): number {
    return this.#bytes;
  }

  hold(layers: ReadonlySet<LayerId>): void {
    for (const id of layers) {
      const holders = this.#holders.get(id) ?? 0;
      if (holders === 0) this.#bytes += this.#sizeOf(id);
      this.#holders.set(id, holders + 1);
    }
  }

  release(layers: ReadonlySet<LayerId>): void {
    for (const id of layers) {
      const holders = this.#holders.get(id) ?? 0;
      if (holders === 1) this.#bytes -= this.#sizeOf(id);
      if (holders <= 1) this.#holders.delete(id);
      else this.#holders.set(id, holders - 1);
    }
  }

  held(): ReadonlySet<LayerId> {
    return new Set(this.#holders.keys());
  }
}
