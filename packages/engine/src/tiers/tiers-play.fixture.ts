import { type Namespace, type RunId, isCachelaneError } from '@cachelane/core';
import { SimulatedCrash, noAbort } from '@cachelane/testkit';
import { collectGarbage } from '../garbage/collect-garbage.ts';
import { namesRun } from '../heads/without-run.ts';
import { unused } from '../sim/acts.fixture.ts';
import { pushAll } from '../sim/crowd.fixture.ts';
import { Chance } from '../sim/turns.fixture.ts';
import {
  type Machine,
  type Plant,
  type Troubles,
  World,
  calm,
  faultOfMachine,
  faultOfRemote,
  faultOfRevoked,
} from '../sim/world.fixture.ts';
import { planEverywhere, revokeEverywhere } from '../sync/revoke/revoke-everywhere.ts';
import { type TestEngine, install, testEngine, text } from '../testing/test-engine.fixture.ts';
import { acme, contextOf, feedFrom, laneOf, lastRun, projectOf, team } from './tiers.fixture.ts';

/** Projects, their parents, and the tiers that they feed. `shop` feeds none. */
const projects = {
  web: { namespace: projectOf('web'), parents: [acme], feeds: [acme] },
  api: { namespace: projectOf('api'), parents: [team, acme], feeds: [team, acme] },
  shop: { namespace: projectOf('shop'), parents: [team, acme], feeds: [] },
} as const;
type Project = keyof typeof projects;
const names = Object.keys(projects) as readonly Project[];
const tiers: readonly Namespace[] = [team, acme];

const acts = [
  'install',
  'install',
  'install',
  'install',
  'burst',
  'junk',
  'prune',
  'look',
  'revoke',
  'collect',
  'push',
] as const;

export interface Play {
  readonly seed: number;
  readonly plant?: Plant;
  readonly steps?: number;
}

interface Saved {
  readonly name: string;
  readonly project: Project;
  readonly run: RunId;
}

/**
 * Plays runs of several projects and tiers on machines that share a remote, with feeds, squashes, clean-ups, collections and revocations.
 * Returns the first broken claim, or null.
 */
export async function playTiers({ seed, plant, steps = 24 }: Play): Promise<string | null> {
  const world = new World({ seed, plant });
  return await new TiersPlay(world, new Chance(seed + 1)).play(steps);
}

class TiersPlay {
  readonly #world: World;
  readonly #chance: Chance;
  readonly #saved: Saved[] = [];
  readonly #revoked = new Map<string, RunId>();
  /** Revocations that were interrupted. */
  readonly #unfinished = new Set<RunId>();
  #count = 0;
  #fault: string | null = null;

  constructor(world: World, chance: Chance) {
    this.#world = world;
    this.#chance = chance;
  }

  async play(steps: number): Promise<string | null> {
    for (const machine of this.#world.machines) {
      const engine = testEngine({ home: machine.home });
      await feedFrom(engine, acme, { from: 'github.com/acme/web' });
      await feedFrom(engine, acme, { from: 'github.com/acme/api' });
      await feedFrom(engine, team, { from: 'github.com/acme/api' });
    }
    const troubles = {
      ...calm,
      dies: this.#chance.pick([Infinity, Infinity, 80]),
      loses: this.#chance.pick([Infinity, 15]),
    };
    for (let step = 0; step < steps && this.#fault === null; step += 3) {
      await Promise.all([1, 2, 3].map(async () => await this.#act(troubles)));
      if (this.#chance.once(6)) this.#world.passDays(this.#chance.pick([1, 8, 20]));
    }
    await this.#settle();
    return this.#fault ?? (await this.#faultAtRest());
  }

  async #act(troubles: Troubles): Promise<void> {
    const machine = this.#chance.pick(this.#world.machines.slice(0, 2));
    const project = this.#chance.pick(names);
    const act = this.#chance.pick(acts);
    const { engine, life } = this.#world.process(machine, troubles);
    try {
      await this.#do(act, engine, project);
    } catch (error) {
      if (!life.isDead && error instanceof SimulatedCrash) throw error;
      if (!life.isDead && !(error instanceof Error && 'code' in error)) throw error;
    }
  }

  async #do(act: (typeof acts)[number], engine: TestEngine, project: Project): Promise<void> {
    if (act === 'revoke') return await this.#revoke(engine);
    if (act === 'push') return await pushAll(engine);
    if (act === 'collect') return void (await collectGarbage(engine.deps, unused, noAbort));
    const times = act === 'burst' ? 6 : 1;
    for (let time = 0; time < times; time++) {
      const name = `${act === 'junk' ? 'junk' : 'n'}-${project}-${++this.#count}`;
      const before = engine.events.length;
      await engine.run(
        ([volume]) => {
          this.#fault ??= faultIn(volume, project);
          if (act === 'prune') sweep(volume);
          else if (act !== 'look') install(volume, name);
        },
        {
          request: {
            context: contextOf(projects[project].namespace, { parents: projects[project].parents }),
            purpose: act === 'prune' ? 'prune' : 'run',
            push: this.#chance.pick(['wait', 'never'] as const),
            mode: act === 'look' ? 'read' : 'write',
            strict: false,
          },
        },
      );
      const isSaved = engine.events
        .slice(before)
        .some((event) => event.type === 'volume-done' && event.report.layer !== null);
      if (isSaved && act !== 'prune' && act !== 'look') this.#saved.push({ name, project, run: lastRun(engine) });
    }
  }

  async #revoke(engine: TestEngine): Promise<void> {
    const saved = this.#saved[this.#chance.below(Math.max(1, this.#saved.length))];
    if (saved === undefined) return;
    const { run } = saved;
    const wasRevoked = this.#revoked.has(saved.name);
    this.#revoked.set(saved.name, run);
    this.#unfinished.add(run);
    if (await revokeRun(engine, run)) this.#unfinished.delete(run);
    else if (!wasRevoked) this.#revoked.delete(saved.name);
  }

  /** Syncs all machines and finishes interrupted revocations. */
  async #settle(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      for (const machine of this.#world.machines.slice(0, 2)) {
        const { engine } = this.#world.process(machine, calm);
        for (const run of this.#unfinished) {
          // The process that began it. A layer that a collector deleted may fail once.
          await tryTo(async () => await goOn(engine, run));
        }
        for (const project of names) await this.#look(engine, project);
        await tryTo(async () => await pushAll(engine));
      }
    }
  }

  async #look(engine: TestEngine, project: Project): Promise<void> {
    const { namespace, parents } = projects[project];
    await engine.run(([volume]) => void (this.#fault ??= faultIn(volume, project)), {
      request: { context: contextOf(namespace, { parents }), strict: false },
    });
  }

  async #faultAtRest(): Promise<string | null> {
    const machines = this.#world.machines.slice(0, 2);
    for (const machine of machines) {
      const fault = (await faultOfMachine(machine)) ?? (await this.#faultOfTiers(machine));
      if (fault !== null) return `machine ${machine.number}: ${fault}`;
    }
    return faultOfRemote(this.#world) ?? faultOfRevoked(this.#world, this.#revoked);
  }

  async #faultOfTiers({ home }: Machine): Promise<string | null> {
    const { deps } = testEngine({ home });
    const runs = new Set(this.#revoked.values());
    const engine = testEngine({ home });
    for (const { layers } of await deps.metadata.listHeads(noAbort)) {
      for (const id of layers) {
        if (namesRun((await deps.layers.open(id, noAbort)).index, runs))
          return `layer ${id} of a head still has entries of a revoked run`;
      }
    }
    const held = new Map<Namespace, ReadonlySet<string>>();
    for (const namespace of [...tiers, ...names.map((name) => projects[name].namespace)]) {
      let seen: ReadonlySet<string> = new Set();
      const context = { ...contextOf(namespace, { parents: [] }), lane: laneOf('t1:local') };
      await engine.run(([volume]) => void (seen = namesOf(volume)), {
        request: { context, mode: 'read', strict: false },
      });
      held.set(namespace, seen);
    }
    for (const name of names) {
      const { namespace, feeds } = projects[name];
      for (const tier of tiers) {
        const has = held.get(tier) ?? new Set();
        const isFed = (feeds as readonly Namespace[]).includes(tier);
        const lacks = [...(held.get(namespace) ?? [])].filter((each) => isFed && !has.has(each));
        if (lacks.length > 0) return `${tier} lacks ${lacks.join(', ')} of ${name}`;
        const stray = [...has].filter((each) => !isFed && each.split('-')[1] === name);
        if (stray.length > 0) return `${tier} has ${stray.join(', ')} of ${name}, which feeds it nothing`;
      }
    }
    return null;
  }
}

type Volume = Parameters<typeof install>[0];

function namesOf(volume: Volume): ReadonlySet<string> {
  if (volume?.exists('index/bucket') !== true) return new Set();
  return new Set(
    text(volume, 'index/bucket')
      .split('\n')
      .filter((line) => line !== ''),
  );
}

/** Checks that names have their content and come from allowed projects. */
function faultIn(volume: Volume, project: Project): string | null {
  const { parents } = projects[project];
  for (const name of namesOf(volume)) {
    const from = name.split('-')[1] as Project;
    const mayCome =
      from === project || projects[from].feeds.some((tier) => (parents as readonly Namespace[]).includes(tier));
    if (!mayCome) return `a run of ${project} sees ${name}`;
    if (volume?.exists(`content/${name}`) !== true) return `a run of ${project} sees ${name} without its content`;
  }
  return null;
}

/** A clean-up like a tool's. */
function sweep(volume: Volume): void {
  const all = [...namesOf(volume)];
  const junk = all.filter((name) => name.startsWith('junk'));
  for (const name of junk) volume?.remove(`content/${name}`);
  if (junk.length > 0) {
    const left = all.filter((name) => !name.startsWith('junk'));
    volume?.write('index/bucket', left.map((name) => `${name}\n`).join(''));
  }
}

/** Returns false if the run is unknown here and there. */
async function revokeRun(engine: TestEngine, run: RunId): Promise<boolean> {
  const plans = await planEverywhere(engine.deps, { run, cascade: false }, noAbort);
  if (plans.here.heads.length + plans.there.length === 0) return false;
  await revokeEverywhere(engine.deps, plans, 'ann', noAbort);
  return true;
}

/** Repeats an interrupted revocation. */
async function goOn({ deps }: TestEngine, run: RunId): Promise<void> {
  const plans = await planEverywhere(deps, { run, cascade: false }, noAbort);
  await revokeEverywhere(deps, plans, 'ann', noAbort);
}

async function tryTo(act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!isCachelaneError(error, 'E_LAYER_MISSING')) throw error;
  }
}
