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

// Many processes perform operations on one home and are killed at random. In the end the home is compared with their reports.

export interface StressOptions {
  /** An empty directory. */
  readonly dir: string;
  readonly seed: number;
  readonly workers: number;
  /** The number for all workers together. */
  readonly operations: number;
  /** The approximate number of kills in a hundred operations. */
  readonly killsPerHundred: number;
  /** The `cachelane` program and its first arguments. */
  readonly cachelane: readonly string[];
}

export interface Stressed {
  /** Violations, as text. */
  readonly faults: readonly string[];
  readonly operations: readonly Operation[];
  readonly kills: number;
  readonly ms: number;
  /** Statistics, as text. */
  readonly figures: readonly string[];
}

const dayMs = 86_400_000;
/** How far clocks are ahead in the end. Layers that were squashed in the first third are then deleted, and every lane of `keep` lives. */
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
  // After a violation, leave the home unchanged for analysis.
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
    // A namespace can be renamed once it has a volume.
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

  /** Performs all work of one worker, in as many processes as it takes. */
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

  /** Runs a process. Returns the number of the next operation. */
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

  /** Stops all workers, so that the home can be examined. */
  #fail(what: string): void {
    this.faults.push(what);
    for (const child of this.#children) kill(child);
  }

  /** Kills the process and its children during an operation, or between two. */
  async #kill(child: ChildProcess): Promise<void> {
    await wait(this.#chance() * 150);
    if (kill(child)) this.kills += 1;
  }

  /** Moves the clocks forward for all later operations. */
  #jump(): void {
    const done = Math.floor((this.operations.length / this.#options.operations) * jumps);
    // Rename, because a reader of an empty file would see its clock go back by weeks.
    writeFileSync(`${this.#aheadFile}.new`, String((aheadInTheEndMs / jumps) * done));
    renameSync(`${this.#aheadFile}.new`, this.#aheadFile);
  }
}

function kill({ pid }: ChildProcess): boolean {
  try {
    return pid !== undefined && process.kill(-pid, 'SIGKILL');
  } catch {
    // The process has just ended.
    return false;
  }
}

interface Begun extends Omit<Operation, 'isDone' | 'why' | 'endedMs' | 'puts' | 'takes'> {
  readonly puts: Thing[];
  readonly takes: Thing[];
}

/** Returns null for an incomplete line of a killed writer. */
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
    // A process group, so that a kill includes its children.
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

/** Returns what a run finds in each place, without lanes below. */
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

/** Completes the revocations of killed processes. Until then a tier may have revoked contents. */
async function finishRevocations(engine: HomeEngine): Promise<void> {
  const deps = { ...engine.deps, remote: null };
  for (const { run } of await deps.metadata.revokedRuns('all', noAbort)) {
    const plans = await planEverywhere(deps, { run, cascade: false }, noAbort);
    await revokeEverywhere(deps, plans, 'stress', noAbort);
  }
}

/** Returns the contents of the tier and the project after a feed. */
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

/** Returns the violations after all processes have ended. */
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
    // Past every grace period. Then idle for so long that only lanes of `keep` live.
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
