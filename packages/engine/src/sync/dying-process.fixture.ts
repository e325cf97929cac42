import type { Remote } from '@cachelane/core';
import { SimulatedCrash } from '@cachelane/testkit';
import type { EngineDependencies } from '../model/engine-dependencies.ts';

/** The life of a process: it dies at one of its operations, whichever port that is on. */
export class Life {
  operations = 0;
  readonly #dies: { readonly operation: number; readonly when: 'before' | 'after' };
  #isDead = false;

  /** 1 for the first operation; beyond the last one it lives. `after`: it takes effect, and nobody learns of it. */
  constructor(dies: { readonly operation: number; readonly when: 'before' | 'after' }) {
    this.#dies = dies;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  async step<T>(act: () => Promise<T>): Promise<T> {
    this.#requireAlive();
    const isLast = ++this.operations === this.#dies.operation;
    if (isLast && this.#dies.when === 'before') this.#die();
    const result = await act();
    if (isLast) this.#die();
    return result;
  }

  /** Between two pieces of data it may die as well. */
  async *data(pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const piece of pieces) yield await this.step(() => Promise.resolve(piece));
  }

  #die(): never {
    this.#isDead = true;
    throw new SimulatedCrash(`${this.#dies.when} operation ${this.#dies.operation}`);
  }

  #requireAlive(): void {
    if (this.#isDead) throw new SimulatedCrash('the process is dead already');
  }
}

/** The ports that last, as a process has them until it dies. */
export function mortal(life: Life): (deps: EngineDependencies) => EngineDependencies {
  return (deps) => ({
    ...deps,
    metadata: steps(deps.metadata, life),
    layers: steps(deps.layers, life),
    remote: deps.remote === null ? null : mortalRemote(deps.remote, life),
  });
}

function mortalRemote(remote: Remote, life: Life): Remote {
  const objects = steps(remote.objects, life);
  return {
    ...remote,
    heads: steps(remote.heads, life),
    objects: {
      ...objects,
      put: (key, source, signal) => objects.put(key, { ...source, read: () => life.data(source.read()) }, signal),
      get: async (key, request, signal) => {
        const download = await objects.get(key, request, signal);
        return download === undefined ? undefined : { ...download, data: life.data(download.data) };
      },
    },
  };
}

function steps<T extends object>(port: T, life: Life): T {
  return new Proxy(port, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function' || typeof key !== 'string') return value;
      return (...args: unknown[]): unknown =>
        life.step(async () => await (value as (...all: unknown[]) => unknown).apply(target, args));
    },
  });
}
