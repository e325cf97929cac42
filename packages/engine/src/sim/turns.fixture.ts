import { SimulatedCrash } from '@cachelane/testkit';

/** Random numbers from a seed. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed ^ 0x9e_37_79_b9) >>> 0;
    for (let i = 0; i < 4; i++) this.next();
  }

  /** Returns a number in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d_2b_79_f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  /** True once in `times` calls on average. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  /** `choices`: at least one. */
  pick<const T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }
}

/**
 * Serializes the operations of all processes: each waits for its turn, and the seed picks the next. Between two turns, every process has
 * reached its next operation.
 */
export class Turns {
  readonly #chance: Chance;
  readonly #waiting: (() => void)[] = [];
  #isGiving = false;
  /** Turns given so far. */
  count = 0;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  async next(): Promise<void> {
    const turn = new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (!this.#isGiving) void this.#give();
    await turn;
  }

  async #give(): Promise<void> {
    this.#isGiving = true;
    for (;;) {
      // By then every process waits.
      await new Promise((resolve) => setImmediate(resolve));
      const [next] = this.#waiting.splice(this.#chance.below(this.#waiting.length), 1);
      if (next === undefined) break;
      this.count += 1;
      next();
    }
    this.#isGiving = false;
  }
}

/** What happens to an operation. */
export type Fate = 'goes on' | 'dies before' | 'dies after';

/** A process whose operations wait for turns and may be its last. */
export class Process {
  readonly #turns: Turns;
  readonly #fate: () => Fate;
  #isDead = false;

  constructor(turns: Turns, fate: () => Fate) {
    this.#turns = turns;
    this.#fate = fate;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Wraps a port for this process. */
  port<T extends object>(port: T): T {
    return new Proxy(port, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function' || typeof key !== 'string') return value;
        return (...args: unknown[]): unknown =>
          this.step(async () => await (value as (...all: unknown[]) => unknown).apply(target, args));
      },
    });
  }

  async step<T>(act: () => Promise<T>): Promise<T> {
    this.#requireAlive();
    await this.#turns.next();
    this.#requireAlive();
    const fate = this.#fate();
    if (fate === 'dies before') this.#die();
    const result = await act();
    if (fate === 'dies after') this.#die();
    return result;
  }

  #die(): never {
    this.#isDead = true;
    throw new SimulatedCrash('a process of the simulation died');
  }

  #requireAlive(): void {
    if (this.#isDead) throw new SimulatedCrash('the process is already dead');
  }
}
