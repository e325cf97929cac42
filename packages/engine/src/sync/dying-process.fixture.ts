import type { Remote } from '@cachelane/core';
import { SimulatedCrash } from '@cachelane/testkit';
import type { EngineDependencies } from '../model/engine-dependencies.ts';

/** A process that dies at a chosen operation, on any port. */
export class Life {
  operations = 0;
  readonly #dies: { readonly operation: number; readonly when: 'before' | 'after' };
  #isDead = false;

  /** Operation 1 is the first. With `after`, the operation takes effect, but the process dies before it learns of it. */
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

  /** Counts each piece of data as an operation. */
  async *data(pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const piece of pieces) yield await this.step(() => Promise.resolve(piece));
  }

  #die(): never {
    this.#isDead = true;
    throw new SimulatedCrash(`${this.#dies.when} operation ${this.#dies.operation}`);
  }

  #requireAlive(): void {
    if (this.#isDead) throw new SimulatedCrash('the process is already dead');
  }
}

/** Wraps the ports so that they fail after the process dies. */
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
