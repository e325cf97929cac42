import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseGrantee, parseNamespace } from '@cachelane/core';
import { addFeed, collectGarbage, planEverywhere, revokeEverywhere, runCommand, verifyStore } from '@cachelane/engine';
import { contextAt, noAbort, openHomeEngine, realClock, requestAt, type HomeEngine } from '../engine.fixture.ts';
import { seededNumbers } from '../seeded.fixture.ts';
import { seenIn, writeCommit } from '../sync/commits.fixture.ts';
import { countsOf, demands, disagreements, vainActs, wronglyFed, type Operation, type Seen } from './ledger.fixture.ts';
import { bootId } from './quick-clock.fixture.ts';
import { isAnybodyLeft, leftOver, lostLayers } from './left-over.fixture.ts';
import {
  aliases,
  dataThing,
  nameOf,
  npmThing,
  places,
  sharedClockMs,
  thingsOf,
  type Place,
  type Thing,
  type Told,
  type WorkerOrder,
} from './told.fixture.ts';

// Many processes run operations on one home and are killed; their records are compared with the final state.

export interface StressOptions {
  /** An empty directory. */
  readonly dir: string;
  readonly seed: number;
  readonly workers: number;
  /** Of all of them. */
  readonly operations: number;
  /** How often one of them is killed, of a hundred operations, about. */
  readonly killsPerHundred: number;
  /** Where `cachelane` is: a program and its first arguments. */
  readonly cachelane: readonly string[];
}

export interface Stressed {
  /** What must not be, for people. */
  readonly faults: readonly string[];
  readonly operations: readonly Operation[];
  readonly kills: number;
  readonly ms: number;
  /** For people. */
  readonly figures: readonly string[];
}

const dayMs = 86_400_000;
/** Clocks are so much further ahead in the end: what squashes replaced in the first third is let go by then, and every lane of `keep` lives on. */
const aheadInTheEndMs = 21 * dayMs;
const jumps = 20;

const program = fileURLToPath(new URL('./worker-process.fixture.ts', import.meta.url));
const compiled = fileURLToPath(new URL('../../.build/compiled', import.meta.url));

export async function stress(options: StressOptions): Promise<Stressed> {
  const startedMs = performance.now();
  const course = new Course(options);
  await course.prepare();
  await Promise.all(Array.from({ length: options.workers }, async (_, index) => await course.live(index)));
  const { operations, faults, kills } = course;
  const ms = performance.now() - startedMs;
  faults.push(...vainActs(operations));
  // An earlier failure must be kept for analysis.
  if (faults.length === 0) faults.push(...(await lookAfterwards(options.dir, operations)));
  const { there, gone } = demands(operations);
  const figures = [
    `${operations.length} operations by ${options.workers} processes in ${(ms / 1000).toFixed(0)} s, ${kills} kills, seed ${options.seed}`,
    `${there} things have to be there, ${gone} must be gone`,
    ...countsOf(operations),
  ];
  return { faults, operations, kills, ms, figures };
}

class Course {
  readonly operations: Operation[] = [];
  readonly faults: string[] = [];
  kills = 0;
  readonly #options: StressOptions;
  readonly #children = new Set<ChildProcess>();
  readonly #aheadFile: string;
  readonly #chance: () => number;

  constructor(options: StressOptions) {
    this.#options = options;
    this.#aheadFile = join(options.dir, 'ahead');
    this.#chance = seededNumbers(options.seed);
  }

  async prepare(): Promise<void> {
    const { dir } = this.#options;
    mkdirSync(join(dir, 'cli'), { recursive: true });
    this.#jump();
    await using engine = await openHomeEngine({ dir, bootId, clock: realClock() });
    const { metadata } = engine.deps;
    // A namespace has names once it has something.
    const name = nameOf('first', 'keep-local', 0);
    engine.command = (dirs) => {
      writeCommit(dirs, name);
    };
    const context = contextAt(places['keep-local']);
    await runCommand({ ...engine.deps, remote: null }, { ...requestAt(dir, context), strict: true });
    const atMs = sharedClockMs();
    const first = {
      worker: 'first',
      number: 0,
      act: 'add',
      place: 'keep-local',
      beganMs: atMs,
      endedMs: atMs,
    } as const;
    this.operations.push({ ...first, isDone: true, why: null, puts: thingsOf(name), takes: [] });
    for (const alias of aliases) await metadata.aliasNamespace(context.namespace, parseNamespace(alias), noAbort);
    const tier = parseNamespace(places['tier-local'].namespace);
    const from = parseGrantee(places['fed-local'].namespace, 'stress');
    await addFeed(engine.deps, { tier, from, volume: null, lanes: 'default', by: 'stress', dryRun: false }, noAbort);
    await metadata.setPolicy(parseNamespace(places['brief-feature'].namespace), 'keep-branch', '1h', noAbort);
  }

  /** All work of one worker, in as many processes as needed. */
  async live(index: number): Promise<void> {
    const { dir, seed, workers, operations, cachelane } = this.#options;
    const count = Math.ceil(operations / workers);
    const order: WorkerOrder = {
      dir,
      worker: `w${index}`,
      seed: seed * 1_000_003 + index * 50_021,
      from: 0,
      to: count,
      aheadFile: this.#aheadFile,
      cachelane,
    };
    for (let from = 0; from < count && this.faults.length === 0;) from = await this.#process({ ...order, from });
  }

  /** Returns the operation that is next. */
  async #process(order: WorkerOrder): Promise<number> {
    const child = startWorker(order);
    this.#children.add(child);
    const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    const said = text(child.stderr as NonNullable<typeof child.stderr>);
    let open: Begun | null = null;
    let next = order.from;
    const close = (end: Pick<Operation, 'isDone' | 'why' | 'endedMs'>): void => {
      if (open === null) return;
      this.operations.push({ ...open, ...end });
      open = null;
      next += 1;
      if (this.operations.length % Math.ceil(this.#options.operations / jumps) === 0) this.#jump();
    };
    for await (const line of createInterface({ input: child.stdout as NonNullable<typeof child.stdout> })) {
      const told = parsed(line);
      if (told === null) continue;
      if (told.say === 'begin') {
        open = { ...told, worker: order.worker, beganMs: told.atMs, puts: [], takes: [] };
        if (this.#chance() * 100 < this.#options.killsPerHundred) void this.#kill(child);
      }
      if (told.say === 'about' && open !== null) {
        open.puts.push(...(told.puts ?? []));
        open.takes.push(...(told.takes ?? []));
      }
      if (told.say === 'end') close({ isDone: told.isDone, why: told.why, endedMs: told.atMs });
      if (told.say === 'fault') this.#fail(`${order.worker}: ${told.what}`);
    }
    const [code, signal] = await ended;
    this.#children.delete(child);
    close({ isDone: false, why: 'killed', endedMs: sharedClockMs() });
    if (signal !== 'SIGKILL' && code !== 0) {
      this.#fail(`${order.worker} ended at operation ${next}: ${code} ${signal} ${await said}`);
    }
    return next;
  }

  /** Everybody stops where he is, so that the home can be looked at. */
  #fail(what: string): void {
    this.faults.push(what);
    for (const child of this.#children) kill(child);
  }

  /** With all that it started, some time during an operation, or between two. */
  async #kill(child: ChildProcess): Promise<void> {
    await wait(this.#chance() * 150);
    if (kill(child)) this.kills += 1;
  }

  /** Clocks go forward for the next operations. */
  #jump(): void {
    const done = Math.floor((this.operations.length / this.#options.operations) * jumps);
    // A reader must not find it empty, since its clock would go back by weeks.
    writeFileSync(`${this.#aheadFile}.new`, String((aheadInTheEndMs / jumps) * done));
    renameSync(`${this.#aheadFile}.new`, this.#aheadFile);
  }
}

function kill({ pid }: ChildProcess): boolean {
  try {
    return pid !== undefined && process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended.
    return false;
  }
}

interface Begun extends Omit<Operation, 'isDone' | 'why' | 'endedMs' | 'puts' | 'takes'> {
  readonly puts: Thing[];
  readonly takes: Thing[];
}

/** Null for a line that its writer did not live to finish. */
function parsed(line: string): Told | null {
  try {
    return JSON.parse(line) as Told;
  } catch {
    return null;
  }
}

function startWorker(order: WorkerOrder): ChildProcess {
  return spawn(process.execPath, ['--min-semi-space-size=16', program, JSON.stringify(order)], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Its own process group, so that its children are killed too.
    detached: true,
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: compiled },
  });
}

async function look(
  dir: string,
  engine: HomeEngine,
  place: Place,
  use: (seen: ReadonlySet<Thing>) => void,
  mode: 'read' | 'write' = 'read',
): Promise<void> {
  engine.command = (dirs) => {
    const { names, broken, files } = seenIn(dirs);
    use(
      new Set([...[...names].map(npmThing), ...broken.map((name) => `broken ${name}`), ...[...files].map(fileThing)]),
    );
  };
  await runCommand(
    { ...engine.deps, remote: null },
    { ...requestAt(dir, contextAt(places[place])), mode, strict: true },
  );
}

function fileThing([path, content]: readonly [string, string]): Thing {
  const [, whose] = /^state\/(.+)$/.exec(path) ?? [];
  return whose === undefined ? dataThing(path) : `state ${whose} ${content}`;
}

/** What a run finds in each place, but what comes from lanes below. */
async function lookEverywhere(dir: string, engine: HomeEngine): Promise<Seen> {
  const seen = new Map<Place, ReadonlySet<Thing>>();
  for (const place of Object.keys(places) as readonly Place[]) {
    await look(dir, engine, place, (things) => {
      const isHere = (thing: Thing): boolean => place === 'copy-local' || thing.includes(place);
      seen.set(place, new Set([...things].filter(isHere)));
    });
  }
  return seen;
}

/** A killed revocation is repeated; until then a tier may contain revoked layers. */
async function finishRevocations(engine: HomeEngine): Promise<void> {
  const deps = { ...engine.deps, remote: null };
  for (const { run } of await deps.metadata.revokedRuns('all', noAbort)) {
    const plans = await planEverywhere(deps, { run, cascade: false }, noAbort);
    await revokeEverywhere(deps, plans, 'stress', noAbort);
  }
}

/** The contents of a tier after a feed. */
async function lookAtTier(dir: string, engine: HomeEngine): Promise<Seen> {
  const seen = new Map<Place, ReadonlySet<Thing>>();
  await look(dir, engine, 'fed-local', () => {}, 'write');
  for (const place of ['fed-local', 'tier-local'] as const) {
    await look(dir, engine, place, (things) => {
      seen.set(place, new Set([...things].filter((thing) => thing.includes('fed-local'))));
    });
  }
  return seen;
}

/** What does not hold when all is quiet. */
async function lookAfterwards(dir: string, operations: readonly Operation[]): Promise<readonly string[]> {
  while (isAnybodyLeft(dir)) await wait(50);
  const lost = lostLayers(dir).map((id) => `no collection looks at layer ${id}`);
  const ahead = { ms: aheadInTheEndMs };
  await using engine = await openHomeEngine({ dir, bootId, clock: realClock(() => ahead.ms) });
  const faults: string[] = [...lost];
  const seen = await lookEverywhere(dir, engine);
  faults.push(...disagreements(operations, seen));
  await finishRevocations(engine);
  faults.push(...wronglyFed(operations, await lookAtTier(dir, engine)));
  const { faulty } = await verifyStore(engine.deps, () => {}, noAbort);
  faults.push(...faulty.map(({ id, problems }) => `layer ${id}: ${problems.join(', ')}`));
  if (faults.length > 0) return faults;
  for (const isIdle of [false, true]) {
    // Beyond every grace; then for so long that no cache is worth keeping, and that only lanes of `keep` live.
    ahead.ms += isIdle ? 20 * dayMs : dayMs / 24;
    await collectGarbage(engine.deps, { policy: {}, upTo: 'T3', isThere: () => true }, noAbort);
    await engine.deps.leases.sweep(engine.deps.clock.nowMs(), noAbort);
    faults.push(
      ...(await leftOver(dir, engine, { isIdle })).map((what) => `left over${isIdle ? ' for good' : ''}: ${what}`),
    );
  }
  const still = await lookEverywhere(dir, engine);
  for (const place of ['keep-local', 'copy-local'] as const) {
    const lost = [...(seen.get(place) ?? [])].filter((thing) => still.get(place)?.has(thing) !== true);
    faults.push(...lost.map((thing) => `${place}: ${thing} was collected`));
  }
  return faults;
}
