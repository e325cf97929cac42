import { isCachelaneError, limits, type Context, type HistoryRecord, type RunId } from '@cachelane/core';
import { noAbort, type MemoryVolume } from '@cachelane/testkit';
import { collectGarbage } from '../garbage/collect-garbage.ts';
import { rollBack } from '../removal/roll-back.ts';
import { collectRemote } from '../sync/collection/collect-remote.ts';
import { planEverywhere, revokeEverywhere } from '../sync/revoke/revoke-everywhere.ts';
import { indexedTool, type TestEngine } from '../testing/test-engine.fixture.ts';
import {
  dayMs,
  faultOfPull,
  hourMs,
  often,
  runOf,
  troublesOf,
  unused,
  unusedThere,
  type Act,
  type Actor,
  type Planted,
  type SavedName,
} from './acts.fixture.ts';
import { pushAll } from './crowd.fixture.ts';
import { faultOfView, install, lookInto, sweepJunk, type Look } from './installs.fixture.ts';
import {
  calm,
  contextIn,
  faultOfMachine,
  faultOfRemote,
  faultOfRevoked,
  faultOfSent,
  laneKeys,
  laneName,
  namesOn,
  readableIn,
  World,
  type LaneKey,
  type Machine,
} from './world.fixture.ts';

export interface Played {
  /** The first broken claim, or null. */
  readonly fault: string | null;
  /** The acts; display text. */
  readonly trace: readonly string[];
  readonly turns: number;
}

export interface PlayOptions extends Planted {
  readonly seed: number;
  /** Replaces the lanes' contexts. */
  readonly contextOf?: ((key: LaneKey) => Context) | undefined;
}

const steps = 12;

/** Plays one history of several machines by seed, and checks claims during it and at the end. */
export async function play({ seed, ...options }: PlayOptions): Promise<Played> {
  const history = new History(new World({ seed, plant: options.plant }), options);
  const fault = await history.play();
  return { fault, trace: history.trace, turns: history.turns };
}

class History {
  readonly trace: string[] = [];
  readonly #world: World;
  /** Names that runs saved: they must stay. */
  readonly #saved: Readonly<Record<LaneKey, Map<string, SavedName>>> = {
    main: new Map(),
    feature: new Map(),
    fork: new Map(),
  };
  /** Names that a rollback removed or may have removed. */
  readonly #gone = new Set<string>();
  /** Saved names and rolled-back lanes since the last quiet moment. */
  #fresh: (readonly [LaneKey, string])[] = [];
  readonly #rolledBack = new Set<LaneKey>();
  /** Lanes with a clean-up. */
  readonly #pruned = new Set<LaneKey>();
  /** What a clean-up removed: either all is gone, or nothing. */
  readonly #swept: Readonly<Record<LaneKey, Set<string>>> = { main: new Set(), feature: new Set(), fork: new Set() };
  readonly #begunRevocations: (readonly [SavedName, LaneKey])[] = [];
  #isRevoking = false;
  /** Revoked runs, by the names that they saved. */
  readonly #revoked = new Map<string, RunId>();
  #names = 0;
  #fault: string | null = null;

  readonly #contextIn: (key: LaneKey) => Context;
  readonly #planted: Planted;

  constructor(world: World, { contextOf = contextIn, ...planted }: Omit<PlayOptions, 'seed'>) {
    this.#world = world;
    this.#contextIn = contextOf;
    this.#planted = planted;
  }

  get turns(): number {
    return this.#world.turns.count;
  }

  async play(): Promise<string | null> {
    const { chance } = this.#world;
    const busy = chance.pick(['main', 'main', 'feature']);
    // Gives clean-ups something to remove.
    await this.#act(chance.pick(this.#world.machines), 'main', 'junk');
    await this.#install(chance.pick(this.#world.machines), busy, 2);
    for (let step = 0; step < steps && this.#fault === null;) {
      if (chance.once(8)) this.#loseMachine();
      if (chance.once(2)) await this.#passDays();
      const count = 1 + chance.below(4);
      step += count;
      // Mostly one machine and one lane, where processes conflict.
      const here = chance.once(2) ? chance.pick(this.#world.machines) : null;
      const lane = chance.once(3) ? null : busy;
      await Promise.all(
        Array.from({ length: count }, async () => {
          await this.#act(here ?? chance.pick(this.#world.machines), lane ?? chance.pick(laneKeys));
        }),
      );
      this.#forgetAmongRollbacks();
      await this.#check();
    }
    if (this.#fault === null) await this.#settle();
    return this.#fault;
  }

  /** No process runs at the same time, except remote collections. */
  async #passDays(): Promise<void> {
    const { chance } = this.#world;
    this.#world.passDays(chance.pick([1 / 24, 1, 3, 3, 20]));
    if (chance.once(3)) return;
    const { engine } = this.#world.process(chance.pick(this.#world.machines), calm);
    this.trace.push(`after some days: ${await this.#collectRemote(engine)}`);
    this.#world.passDays(1);
  }

  #failed(fault: string | null): void {
    this.#fault ??= fault;
  }

  async #check(): Promise<void> {
    this.#failed(faultOfRemote(this.#world));
    const sentNames = laneKeys.flatMap((key) =>
      [...this.#saved[key]].flatMap(([name, { isSent }]) => (isSent ? [name] : [])),
    );
    this.#failed(faultOfSent(this.#world, sentNames));
    for (const machine of this.#world.machines) this.#failed(await faultOfMachine(machine));
  }

  /** Runs one after the other, until heads are long enough to squash. */
  async #install(machine: Machine, key: LaneKey, count: number): Promise<void> {
    for (let left = count; left > 0; left--) await this.#act(machine, key, 'install');
  }

  async #act(machine: Machine, key: LaneKey, act: Act = this.#world.chance.pick(often)): Promise<void> {
    const { chance } = this.#world;
    if (act === 'install often') return await this.#install(machine, key, 3);
    if (chance.once(20)) this.#world.jumpClock(machine);
    const { engine, life } = this.#world.process(machine, troublesOf(chance));
    const savedAtMs = this.#world.nowMs;
    const name = `${act === 'junk' ? 'junk' : 'n'}-${key}-${++this.#names}`;
    const told = `machine ${machine.number}, ${key}: ${act}${act === 'install' || act === 'junk' ? ` ${name}` : ''}`;
    try {
      const did = await this.#do({ engine, machine }, { act, key, name });
      this.trace.push(`${told}${did}${life.isDead ? ', died' : ''}`);
      const isSaved = did === saved || did === sent;
      if (isSaved && act === 'install' && !life.isDead && !this.#gone.has(name)) {
        this.#saved[key].set(name, { machine, isSent: did === sent, run: runOf(engine), savedAtMs });
        this.#fresh.push([key, name]);
      }
    } catch (error) {
      this.trace.push(`${told}: ${life.isDead ? 'died' : String(error)}`);
      if (!life.isDead && !isCachelaneError(error)) this.#failed(`${told} failed: ${String(error)}`);
    }
  }

  async #do(
    actor: Actor,
    { act, key, name }: { readonly act: Exclude<Act, 'install often'>; readonly key: LaneKey; readonly name: string },
  ): Promise<string> {
    switch (act) {
      case 'install':
      case 'junk':
        return await this.#run(actor, key, (volume) => install(volume, name));
      case 'roll back':
        return await this.#rollBack(actor, key);
      case 'look':
        await this.#run(actor, key, () => {});
        return '';
      case 'prune':
        this.#pruned.add(key);
        return await this.#prune(actor, key);
      case 'collect': {
        const { layers } = await collectGarbage(actor.engine.deps, unused, noAbort);
        return `: ${layers.length} layers`;
      }
      case 'collect there':
        return await this.#collectRemote(actor.engine);
      case 'push':
        await pushAll(actor.engine);
        return '';
      case 'revoke':
        return await this.#revoke(actor, key);
    }
  }

  async #collectRemote({ deps }: TestEngine): Promise<string> {
    const { remote, clock, random } = deps;
    if (remote === null) return '';
    const { collecting = (plain) => plain } = this.#planted;
    const given = { remote: collecting(remote), clock, random };
    const { deleted, marked, isBusy } = await collectRemote(given, unusedThere, noAbort);
    return isBusy ? ': busy' : `: ${deleted.length} deleted, ${marked.length} marked`;
  }

  /** Revokes a run that saved a name, on any machine. */
  async #revoke({ engine, machine }: Actor, wished: LaneKey): Promise<string> {
    const deps = this.#planted.revoking?.(engine.deps) ?? engine.deps;
    const key = [wished, ...laneKeys].find((each) => this.#saved[each].size > 0) ?? wished;
    // T0 lanes exist only on their machine.
    const names = [...this.#saved[key]].filter(([, saved]) => key !== 'fork' || saved.machine === machine);
    const [name, its] = names[this.#world.chance.below(names.length)] ?? [];
    if (name === undefined || its === undefined) return ', nobody';
    const plans = await planEverywhere(deps, { run: its.run, cascade: false }, noAbort);
    if (plans.here.heads.length + plans.there.length === 0) return `, ${name} is not known`;
    this.#forget(name, key);
    this.#forgetBeside(its, key);
    this.#begunRevocations.push([its, key]);
    await revokeEverywhere(deps, plans, 'simulation', noAbort);
    this.#revoked.set(name, its.run);
    return ` ${name}, ${plans.here.heads.length} heads here and ${plans.there.length} there`;
  }

  /** Forgets names that a revocation may remove too: what squashes mix beyond the window, and what a clean-up rewrote. */
  #forgetBeside(its: SavedName, key: LaneKey): void {
    this.#isRevoking = true;
    const isOld = this.#isOld(its);
    for (const lane of laneKeys) {
      if (!readableIn[lane].includes(key)) continue;
      for (const [name, saved] of this.#saved[lane]) {
        if (this.#pruned.has(lane) || (isOld && this.#isOld(saved))) this.#forget(name, lane);
      }
    }
  }

  /** Clocks of machines may be a day off. */
  #isOld({ savedAtMs }: SavedName): boolean {
    return this.#world.nowMs - savedAtMs > limits.revocationMs - 3 * dayMs;
  }

  #faultOfView(volume: MemoryVolume, key: LaneKey): string | null {
    // A clean-up's rewritten lines may name what was revoked since, and files with changes of a revoked run are removed whole.
    const goes = (name: string): boolean => this.#gone.has(name) || this.#rolledBack.has(name.split('-')[1] as LaneKey);
    const wasThere = (name: string): boolean => this.#pruned.size > 0 && goes(name);
    return faultOfView(volume, key, { wasThere, named: this.#isRevoking ? null : this.#swept[key] });
  }

  async #prune(actor: Actor, key: LaneKey): Promise<string> {
    let swept: readonly string[] = [];
    const did = await this.#run(actor, key, (volume) => void (swept = sweepJunk(volume)), 'prune');
    for (const name of swept) this.#swept[key].add(name);
    return did;
  }

  /** Returns what happened to the run's work. */
  async #run(
    { engine, machine }: Actor,
    key: LaneKey,
    command: (volume: MemoryVolume) => void,
    purpose: 'run' | 'prune' = 'run',
  ): Promise<string> {
    const { chance, turns } = this.#world;
    const push = chance.pick(['wait', 'wait', 'wait', 'never']);
    const { report } = await engine.run(
      async ([volume]) => {
        if (volume === undefined) return;
        // Commands take time.
        for (let left = chance.below(20); left > 0; left--) {
          await turns.next();
          if (chance.once(10)) this.#world.passTime(hourMs);
        }
        // As a run starts it in the background.
        if (chance.once(3)) await collectGarbage(this.#world.process(machine, calm).engine.deps, unused, noAbort);
        this.#failed(await faultOfMachine(machine));
        this.#failed(this.#faultOfView(volume, key));
        command(volume);
      },
      { request: { context: this.#contextIn(key), strict: false, purpose, push } },
    );
    this.#failed(faultOfPull(engine));
    const [volume] = report.volumes;
    if ((volume?.added ?? 0) === 0) return ', nothing saved';
    return volume?.sync?.pushed === 'sent' ? sent : saved;
  }

  /** The machine's disk is lost, with everything it had not pushed. */
  #loseMachine(): void {
    const { chance, machines } = this.#world;
    const lost = chance.pick(machines);
    for (const key of laneKeys) {
      for (const [name, { machine, isSent }] of this.#saved[key]) {
        if (machine === lost && (key === 'fork' || !isSent)) this.#forget(name, key);
      }
    }
    this.#world.replace(lost);
    this.trace.push(`machine ${lost.number} is lost`);
  }

  /** Rolls a lane back to an earlier state. */
  async #rollBack({ engine, machine }: Actor, key: LaneKey): Promise<string> {
    const { deps } = engine;
    this.#rolledBack.add(key);
    const before = await namesOn(machine, key);
    const [head] = (await deps.metadata.listHeads(noAbort)).filter(({ lane }) => lane === laneName(key));
    const moves = head === undefined ? [] : await deps.metadata.history(head.volumeId, head.lane, noAbort);
    const move: HistoryRecord | undefined = moves[this.#world.chance.below(moves.length)];
    if (move === undefined) return ', nothing to go back to';
    const request = {
      volumeId: move.volumeId,
      tool: indexedTool,
      context: contextIn(key),
      to: move.generation,
      by: rollingBack,
    };
    let after: ReadonlySet<string> = new Set();
    try {
      await rollBack(deps, request, noAbort);
      // A clean-up elsewhere may have rewritten lines that name what was rolled back.
      after = (await this.#look(engine, key)).whole;
    } finally {
      // After a crash the result is unknown, and other machines may have pulled what it removed.
      for (const name of before.union(await namesOn(machine, key))) if (!after.has(name)) this.#forget(name, key);
    }
    return ` to ${move.generation}`;
  }

  /** Runs that save during a rollback may lose their saves. */
  #forgetAmongRollbacks(): void {
    for (const [key, name] of this.#fresh) if (this.#rolledBack.has(key)) this.#forget(name, key);
    this.#fresh = [];
    this.#rolledBack.clear();
  }

  #forget(name: string, key: LaneKey): void {
    this.#gone.add(name);
    this.#saved[key].delete(name);
  }

  async #look(engine: TestEngine, key: LaneKey): Promise<Look> {
    let look = lookInto(undefined);
    await engine.run(
      ([volume]) => {
        look = lookInto(volume);
        if (volume !== undefined) this.#failed(this.#faultOfView(volume, key));
      },
      { request: { context: this.#contextIn(key), strict: false, mode: 'read' } },
    );
    return look;
  }

  /** All machines push the rest and look: nothing saved may be lost. */
  async #settle(): Promise<void> {
    const { machines } = this.#world;
    for (const machine of machines) machine.clockOffMs = 0;
    // A machine may learn of a revocation after the window.
    for (const [its, key] of this.#begunRevocations) this.#forgetBeside(its, key);
    // Enough time passes for others to end a dead collector's work.
    this.#world.passDays(1 / 24);
    for (const machine of machines) {
      const { engine } = this.#world.process(machine, calm);
      // A machine that has pulled all revocations pushes no layer of those runs.
      for (const key of laneKeys) await this.#run({ engine, machine }, key, () => {});
      await pushAll(engine);
    }
    await this.#check();
    this.#failed(faultOfRevoked(this.#world, this.#revoked));
    for (const machine of [...machines, this.#world.addMachine()]) {
      for (const key of laneKeys) {
        const { named, whole } = await this.#look(this.#world.process(machine, calm).engine, key);
        const lost = [...this.#saved[key]].flatMap(([name, saved]) =>
          // T0 lanes stay on their machine.
          whole.has(name) || (key === 'fork' && saved.machine !== machine) ? [] : [name],
        );
        if (lost.length > 0) this.#failed(`machine ${machine.number} does not see ${lost.join(', ')} in ${key}`);
        const back = [...this.#revoked.keys()].filter((name) => named.has(name));
        if (back.length > 0) this.#failed(`machine ${machine.number} sees ${back.join(', ')} in ${key}, revoked`);
      }
      this.#failed(await faultOfMachine(machine));
    }
  }
}

const saved = ', saved';
const sent = ', saved and sent';
const rollingBack = `run_${'f'.repeat(32)}` as RunId;
