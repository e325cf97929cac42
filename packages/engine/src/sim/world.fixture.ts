import {
  type BytePath,
  CachelaneError,
  type Context,
  type HeadManifest,
  type LaneName,
  type LayerId,
  type Remote,
  type RunId,
  dataKey,
  decodeManifest,
  digestOf,
  formatLane,
  indexKey,
  isCachelaneError,
  openIndex,
  parseLane,
} from '@cachelane/core';
import { type RemoteFault, emptyRemoteState, faultyRemote, memoryRemote, noAbort } from '@cachelane/testkit';
import { namesRun } from '../heads/without-run.ts';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { everyLayerOf } from '../sync/heads/compare-heads.ts';
import { type TestEngine, type TestHome, testContext, testEngine, testHome } from '../testing/test-engine.fixture.ts';
import { Chance, type Fate, Process, Turns } from './turns.fixture.ts';

/** Plants a fault to see whether the simulation finds it. */
export type Plant = (deps: EngineDependencies) => EngineDependencies;

export interface WorldOptions {
  readonly seed: number;
  readonly plant?: Plant | undefined;
}

const startMs = 1_700_000_000_000;
const dayMs = 86_400_000;

/** Lanes of the simulation and their read chains. */
const lanes = {
  main: { lane: 't2:ref:main', trust: 'T2', others: [] },
  feature: { lane: 't1:ref:feature', trust: 'T1', others: ['t2:ref:main'] },
  fork: { lane: 't0:run:fork', trust: 'T0', others: ['t2:ref:main'] },
} as const;
export type LaneKey = keyof typeof lanes;
export const laneKeys = ['main', 'feature', 'fork'] as const satisfies readonly LaneKey[];
/** Lanes whose names a run may see. */
export const readableIn: Readonly<Record<LaneKey, readonly LaneKey[]>> = {
  main: ['main'],
  feature: ['feature', 'main'],
  fork: ['fork', 'main'],
};

export const laneName = (key: LaneKey): LaneName => formatLane(parseLane(lanes[key].lane));

export function contextIn(key: LaneKey): Context {
  const { lane, trust, others } = lanes[key];
  return { ...testContext(lane, undefined, others), trust };
}

/** How likely faults are: once in so many operations; Infinity: never. */
export interface Troubles {
  readonly dies: number;
  readonly loses: number;
  readonly refuses: number;
  readonly full: number;
}

export const calm: Troubles = { dies: Infinity, loses: Infinity, refuses: Infinity, full: Infinity };

/** A machine with its own store and clock. */
export interface Machine {
  readonly number: number;
  readonly home: TestHome;
  clockOffMs: number;
}

/** Machines that share a remote. */
export class World {
  readonly chance: Chance;
  readonly turns: Turns;
  readonly remote = emptyRemoteState();
  readonly machines: Machine[] = [];
  readonly #plant: Plant;
  #processes = 0;
  #nowMs = startMs;

  constructor({ seed, plant = (deps) => deps }: WorldOptions) {
    this.chance = new Chance(seed);
    this.turns = new Turns(this.chance);
    this.#plant = plant;
    for (let i = 0; i < 3; i++) this.addMachine();
  }

  addMachine(): Machine {
    const machine = { number: this.machines.length, home: testHome(), clockOffMs: 0 };
    this.machines.push(machine);
    return machine;
  }

  /** Replaces a machine by one with an empty disk. */
  replace(machine: Machine): void {
    this.machines[machine.number] = { ...machine, home: testHome() };
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Time that passes during operations. The remote's clock does not move: pushes and collections are not that slow. */
  passTime(ms: number): void {
    this.#nowMs += ms;
  }

  /** Time that passes between operations. */
  passDays(days: number): void {
    this.#nowMs += days * dayMs;
    this.remote.nowMs += days * dayMs;
  }

  /** Starts a process on a machine. */
  process(machine: Machine, troubles: Troubles): { readonly engine: TestEngine; readonly life: Process } {
    const life = new Process(this.turns, () => this.#fate(troubles));
    const engine = testEngine({
      seed: `process-${++this.#processes} `,
      home: machine.home,
      remote: faultyRemote(memoryRemote(this.remote), () => this.#remoteFault(troubles)),
      wrap: (deps) => this.#living(this.#plant(deps), { machine, life, troubles }),
    });
    return { engine, life };
  }

  #living(
    deps: EngineDependencies,
    { machine, life, troubles }: { readonly machine: Machine; readonly life: Process; readonly troubles: Troubles },
  ): EngineDependencies {
    const layers = life.port(deps.layers);
    const nowMs = (): number => (this.#nowMs += 1) + machine.clockOffMs;
    return {
      ...deps,
      clock: { ...deps.clock, nowMs, monotonicMs: () => this.#nowMs },
      metadata: life.port(deps.metadata),
      layers: {
        ...layers,
        // Called inside a transaction.
        isThere: (id) => deps.layers.isThere(id),
        remove: (ids) => deps.layers.remove(ids),
        removeDerived: (keys) => deps.layers.removeDerived(keys),
        stage: async (request, signal) => {
          if (this.chance.once(troubles.full)) throw new CachelaneError('E_DISK_FULL', 'simulated: the disk is full');
          return await layers.stage(request, signal);
        },
      },
      remote: deps.remote === null ? null : remoteOf(deps.remote, life),
    };
  }

  #fate({ dies }: Troubles): Fate {
    if (!this.chance.once(dies)) return 'goes on';
    return this.chance.once(2) ? 'dies before' : 'dies after';
  }

  #remoteFault({ loses, refuses }: Troubles): RemoteFault | undefined {
    if (this.chance.once(loses)) return this.chance.pick(['before', 'after', { afterBytes: 3 }] as const);
    return this.chance.once(refuses) ? { code: 'E_REMOTE_GONE', retryable: this.chance.once(2) } : undefined;
  }

  jumpClock(machine: Machine): void {
    machine.clockOffMs = this.chance.pick([-dayMs, -3_600_000, 0, 3_600_000, dayMs]);
  }
}

function remoteOf(remote: Remote, life: Process): Remote {
  return { ...remote, heads: life.port(remote.heads), objects: life.port(remote.objects) };
}

/** Checks that every layer that a remote head names, also as replaced, is there and intact. */
export function faultOfRemote({ remote }: World): string | null {
  for (const [key, head] of remote.heads) {
    if (!key.startsWith('heads/') || head.bytes === null) continue;
    const manifest = manifestOf(head.bytes);
    if (manifest === null) return `${key} cannot be read`;
    for (const { id, data } of everyLayerOf(manifest)) {
      const [index, content] = [remote.objects.get(indexKey(id)), remote.objects.get(dataKey(data.digest))];
      if (index === undefined || digestOf(index.bytes) !== id) return `${key} names ${id}, which has no index`;
      if (content === undefined || digestOf(content.bytes) !== data.digest) {
        return `${key} names ${id}, which has no content`;
      }
    }
  }
  return null;
}

function manifestOf(bytes: Uint8Array): HeadManifest | null {
  try {
    return decodeManifest(bytes, null);
  } catch (error) {
    if (isCachelaneError(error, 'E_OBJECT_CORRUPT')) return null;
    throw error;
  }
}

/** Checks that a remote head names everything that was pushed. */
export function faultOfSent({ remote }: World, names: Iterable<string>): string | null {
  const indexes = [...remote.heads].flatMap(([key, { bytes }]) => {
    const layers = key.startsWith('heads/') && bytes !== null ? manifestOf(bytes)?.layers : undefined;
    return (layers ?? []).flatMap(({ id }) => remote.objects.get(indexKey(id))?.bytes ?? []);
  });
  const opened = indexes.map((bytes) => openIndex(bytes));
  for (const name of names) {
    const path = `content/${name}` as BytePath;
    if (!opened.some((index) => index.find(path) !== undefined))
      return `${name} was sent, and no head of the remote has it`;
  }
  return null;
}

/** Checks that every layer that a head or an open session names is there and intact. */
export async function faultOfMachine({ number, home }: Machine): Promise<string | null> {
  const { deps } = testEngine({ home });
  const named: (readonly [string, LayerId])[] = [];
  for (const { lane, layers } of await deps.metadata.listHeads(noAbort)) {
    named.push(...layers.map((id) => [`the head of ${lane}`, id] as const));
  }
  for (const { id, pins } of await deps.metadata.listSessions(noAbort)) {
    if (!home.held.has(id)) continue;
    // Derived layers are pinned before they are checked.
    for (const pin of pins)
      if ((await deps.metadata.layer(pin, noAbort)) !== undefined) named.push([`session ${id}`, pin]);
  }
  for (const [who, id] of named) {
    if (!(await deps.layers.has(id, noAbort))) return `machine ${number}: ${who} names ${id}, which is not there`;
    if (!(await deps.layers.verify(id, noAbort)).ok) return `machine ${number}: ${who} names ${id}, which is damaged`;
  }
  return null;
}

/** Checks that no remote head has entries of a revoked run. */
export function faultOfRevoked({ remote }: World, revoked: ReadonlyMap<string, RunId>): string | null {
  const runs = new Set(revoked.values());
  for (const [key, { bytes }] of remote.heads) {
    const layers = key.startsWith('heads/') && bytes !== null ? everyLayerOf(manifestOf(bytes)) : [];
    for (const { id } of layers) {
      const index = remote.objects.get(indexKey(id));
      if (index !== undefined && namesRun(openIndex(index.bytes), runs)) return `${key} has something of a revoked run`;
    }
  }
  return null;
}

/** Returns a lane's names whose content is in any layer of the machine. */
export async function namesOn({ home }: Machine, key: LaneKey): Promise<ReadonlySet<string>> {
  const { deps } = testEngine({ home });
  const names = new Set<string>();
  for (const id of home.metadata.layers.keys()) {
    if (!(await deps.layers.has(id, noAbort))) continue;
    for (const { path } of (await deps.layers.open(id, noAbort)).index.entries()) {
      const name = path.replace(/^content\//, '');
      if (name !== path && name.split('-')[1] === key) names.add(name);
    }
  }
  return names;
}
