import { decodeManifest, indexKey, limits, openIndex, type LayerId, type RunId } from '@cachelane/core';
import { emptyRemoteState, memoryRemote, type MemoryRemoteState, type MemoryVolume } from '@cachelane/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { collectGarbage } from '../garbage/collect-garbage.ts';
import { look } from '../sim/histories.fixture.ts';
import { rollBack } from '../removal/roll-back.ts';
import { planEverywhere, revokeEverywhere } from '../sync/revoke/revoke-everywhere.ts';
import {
  everything,
  indexedTool,
  install,
  put,
  testContext,
  testEngine,
  testHome,
  text,
  type TestEngine,
} from '../testing/test-engine.fixture.ts';

/**
 * P5: after a revocation no head anywhere has the run among its origins. Within the window every head shows what a replay without the run
 * shows, whatever was squashed, pruned, rolled back and synced, and on whichever machine.
 */
const { signal } = new AbortController();
const machineCount = 3;

const kinds = ['install', 'install', 'install', 'install', 'junk', 'prune', 'look', 'rollback'] as const;
interface Step {
  readonly machine: number;
  readonly what: (typeof kinds)[number];
  /** Whether the run pushes at its end. */
  readonly pushes: boolean;
  readonly pick: number;
}

const arbitrarySteps = (what: readonly Step['what'][]): fc.Arbitrary<readonly Step[]> =>
  fc.array(
    fc.record({
      machine: fc.nat({ max: machineCount - 1 }),
      what: fc.constantFrom(...what),
      pushes: fc.boolean(),
      pick: fc.nat({ max: 9 }),
    }),
    { minLength: 2, maxLength: 22, size: 'max' },
  );

const lenient = { strict: false } as const;
let worlds = 0;

class World {
  readonly state: MemoryRemoteState = emptyRemoteState();
  readonly engines: readonly TestEngine[];
  /** By step. */
  readonly runs: (RunId | undefined)[] = [];
  laterMs = 0;

  constructor() {
    const world = ++worlds;
    this.engines = Array.from({ length: machineCount }, (_, number) =>
      testEngine({
        seed: `world-${world}-${number} `,
        home: testHome(),
        remote: memoryRemote(this.state),
        wrap: (deps) => ({ ...deps, clock: { ...deps.clock, nowMs: () => deps.clock.nowMs() + this.laterMs } }),
      }),
    );
  }

  async play(steps: readonly Step[], without: number | null): Promise<void> {
    for (const [index, step] of steps.entries()) if (index !== without) await this.#take(step, index);
  }

  async #take({ machine, what, pushes, pick }: Step, index: number): Promise<void> {
    const engine = this.engine(machine);
    if (what === 'rollback') return await this.#rollBack(engine, pick);
    const before = engine.events.length;
    const request = {
      ...lenient,
      push: pushes ? 'wait' : 'never',
      purpose: what === 'prune' ? 'prune' : 'run',
    } as const;
    const work = ([volume]: readonly MemoryVolume[]): void => {
      if (what === 'install') install(volume, `n${index}`);
      if (what === 'junk') install(volume, `junk${index}`);
      if (what === 'prune') sweepJunk(volume);
    };
    await engine.run(work, { request }).catch(() => undefined);
    const opened = engine.events.slice(before).find(({ type }) => type === 'session-opened');
    this.runs[index] = opened?.type === 'session-opened' ? opened.run : undefined;
  }

  async #rollBack({ deps }: TestEngine, pick: number): Promise<void> {
    const [head] = await deps.metadata.listHeads(signal);
    if (head === undefined) return;
    const history = await deps.metadata.history(head.volumeId, head.lane, signal);
    const to = history[pick % history.length]?.generation ?? 1;
    const by = this.runs.findLast((run) => run !== undefined) ?? ('run_0' as RunId);
    await rollBack(deps, { volumeId: head.volumeId, tool: indexedTool, context: testContext(), to, by }, signal);
  }

  engine(machine: number): TestEngine {
    return this.engines[machine] ?? expect.fail('no machine');
  }

  /** Returns false if neither the machine nor the remote knows the run. */
  async revoke(machine: number, run: RunId): Promise<boolean> {
    const { deps } = this.engine(machine);
    const plans = await planEverywhere(deps, { run, cascade: false }, signal);
    if (plans.here.heads.length + plans.there.length === 0) return false;
    await revokeEverywhere(deps, plans, 'ann', signal);
    return true;
  }

  /** All machines sync. */
  async settle(): Promise<void> {
    for (let round = 0; round < 2; round++) {
      for (const engine of this.engines) await engine.run(() => undefined, { request: lenient });
    }
  }

  /** Origins of all heads, here and in the remote, by place. */
  async origins(): Promise<ReadonlyMap<string, ReadonlySet<RunId>>> {
    const found = new Map<string, Set<RunId>>();
    for (const [number, { deps }] of this.engines.entries()) {
      const runs = new Set<RunId>();
      for (const { layers } of await deps.metadata.listHeads(signal)) {
        for (const id of layers) addOrigins(runs, (await deps.layers.open(id, signal)).index);
      }
      found.set(`machine ${number}`, runs);
    }
    const runs = new Set<RunId>();
    for (const id of this.layersThere())
      addOrigins(runs, openIndex(this.state.objects.get(indexKey(id))?.bytes ?? expect.fail(id)));
    return found.set('remote', runs);
  }

  layersThere(): readonly LayerId[] {
    return [...this.state.heads].flatMap(([key, { bytes }]) =>
      key.startsWith('heads/') && bytes !== null ? decodeManifest(bytes, null).layers.map(({ id }) => id) : [],
    );
  }

  /** What a reader finds on each machine. */
  async sights(): Promise<readonly ReadonlyMap<string, string>[]> {
    return await Promise.all(this.engines.map(async (engine) => await look(engine, { request: lenient })));
  }
}

function addOrigins(runs: Set<RunId>, index: ReturnType<typeof openIndex>): void {
  for (const { origins } of index.entries()) for (const run of origins) runs.add(run);
}

function sweepJunk(volume: MemoryVolume | undefined): void {
  if (volume?.exists('index/bucket') !== true) return;
  const lines = text(volume, 'index/bucket').split('\n');
  for (const line of lines) if (line.startsWith('junk')) volume.remove(`content/${line}`);
  put(
    volume,
    'index/bucket',
    lines
      .filter((line) => line !== '' && !line.startsWith('junk'))
      .map((line) => `${line}\n`)
      .join(''),
  );
}

function requireClosed(seen: ReadonlyMap<string, string>): void {
  for (const line of (seen.get('index/bucket') ?? '').split('\n')) {
    if (line !== '') expect(seen.get(`content/${line}`)).toBe(`bytes of ${line}`);
  }
}

/** Returns a step whose run was saved, if any. */
function pickRun(world: World, pick: number): number | undefined {
  const candidates = [...world.runs.keys()].filter((index) => world.runs[index] !== undefined);
  return candidates[pick % Math.max(1, candidates.length)];
}

async function equalsReplay(
  steps: readonly Step[],
  pick: number,
  machine: number,
  settlesBefore: boolean,
): Promise<void> {
  const world = new World();
  await world.play(steps, null);
  if (settlesBefore) await world.settle();
  const step = pickRun(world, pick);
  const run = step === undefined ? undefined : world.runs[step];
  if (step === undefined || run === undefined) return;
  // Without it, a later clean-up would have found other files.
  if (steps[step]?.what === 'prune' && steps.slice(step + 1).some(({ what }) => what === 'prune')) return;
  if (!(await world.revoke(machine, run))) return;
  await world.settle();
  for (const runs of (await world.origins()).values()) expect(runs).not.toContain(run);
  const replay = new World();
  await replay.play(steps, step);
  await replay.settle();
  const [expected] = await replay.sights();
  for (const seen of await world.sights()) expect(seen).toEqual(expected);
}

describe('P5 between machines: after a revocation', () => {
  test('every head equals the replay without the run', async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitrarySteps(kinds.filter((kind) => kind !== 'rollback' && kind !== 'prune')),
        fc.nat(),
        fc.nat({ max: machineCount - 1 }),
        fc.boolean(),
        equalsReplay,
      ),
      { numRuns: 60 },
    );
  });

  test('every local head equals the replay without the run, also over clean-ups', async () => {
    await fc.assert(
      fc.asyncProperty(
        // Of two concurrent clean-ups on different machines, one is dropped.
        arbitrarySteps(kinds.filter((kind) => kind !== 'rollback')).map((steps) =>
          steps.map((step) => ({ ...step, machine: 0 })),
        ),
        fc.nat(),
        fc.nat({ max: machineCount - 1 }),
        fc.constant(true),
        equalsReplay,
      ),
      { numRuns: 60 },
    );
  });

  test('no head has it among its origins after prunes and rollbacks, and every name has its content', async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitrarySteps(kinds),
        fc.nat(),
        fc.nat({ max: machineCount - 1 }),
        fc.array(fc.record({ machine: fc.nat({ max: 2 }), pick: fc.nat({ max: 9 }) }), { maxLength: 3 }),
        async (steps, pick, machine, after) => {
          const world = new World();
          await world.play(steps, null);
          const step = pickRun(world, pick);
          const run = step === undefined ? undefined : world.runs[step];
          if (run === undefined) return;
          if (!(await world.revoke(machine, run))) return;
          await world.settle();
          // No machine brings it back.
          await world.play(
            after.map((each) => ({ ...each, what: 'rollback', pushes: true })),
            null,
          );
          await world.settle();
          for (const runs of (await world.origins()).values()) expect(runs).not.toContain(run);
          // A clean-up may have rewritten names that a rollback on another machine removed.
          if (after.length > 0 || steps.some(({ what }) => what === 'rollback')) return;
          for (const seen of await world.sights()) requireClosed(seen);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('beyond the window no head has it among its origins', async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitrarySteps(kinds.filter((kind) => kind !== 'rollback')),
        fc.nat(),
        fc.nat({ max: machineCount - 1 }),
        async (steps, pick, machine) => {
          const world = new World();
          await world.play(steps, null);
          await world.settle();
          world.laterMs = limits.revocationMs + limits.sweepGraceMs + 1;
          await world.settle();
          for (const { deps } of world.engines) await collectGarbage(deps, everything, signal);
          const step = pickRun(world, pick);
          const run = step === undefined ? undefined : world.runs[step];
          if (run === undefined) return;
          if (!(await world.revoke(machine, run))) return;
          await world.settle();
          for (const runs of (await world.origins()).values()) expect(runs).not.toContain(run);
          for (const seen of await world.sights()) requireClosed(seen);
        },
      ),
      { numRuns: 40 },
    );
  });
});
