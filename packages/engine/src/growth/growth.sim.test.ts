import { emptyRemoteState, memoryRemote, type MemoryVolume } from '@cachelane/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { MounterName } from '@cachelane/core';
import { collectGarbage, findGarbage } from '../garbage/collect-garbage.ts';
import { look } from '../sim/histories.fixture.ts';
import { everything, install, put, testEngine, testHome, type TestEngine } from '../testing/test-engine.fixture.ts';

/**
 * Invariant, for machines that share a remote, overlapping runs and a small budget: every name has its content. Files that a run added and
 * no collection knew stay. Removed files are gone everywhere. After a collection each head is within its budget, or nothing more may be
 * removed.
 */
const { signal } = new AbortController();
const lenient = { strict: false } as const;
const sizeBytes = 1000;
const budget = { 'volume-budget': { value: 5.5 * sizeBytes, source: 'test' } };
const machineCount = 2;

interface Step {
  readonly machine: number;
  readonly what: 'build' | 'two at once' | 'collect';
  readonly pushes: boolean;
  /** Names that are used, or made if missing. */
  readonly uses: readonly number[];
  readonly mounter: MounterName | null;
}

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    machine: fc.nat({ max: machineCount - 1 }),
    what: fc.constantFrom<Step['what']>('build', 'build', 'build', 'two at once', 'collect'),
    pushes: fc.boolean(),
    uses: fc.array(fc.nat({ max: 3 }), { maxLength: 2 }),
    mounter: fc.constantFrom<MounterName | null>(null, null, 'clone', 'overlay'),
  }),
  { minLength: 3, maxLength: 24, size: 'max' },
);

let worlds = 0;

class World {
  readonly engines: readonly TestEngine[];
  #added = 0;
  laterMs = 0;

  constructor() {
    const world = ++worlds;
    const state = emptyRemoteState();
    this.engines = Array.from({ length: machineCount }, (_, number) =>
      testEngine({
        seed: `growth-${world}-${number} `,
        home: testHome(),
        remote: memoryRemote(state),
        wrap: (deps) => ({
          ...deps,
          policy: budget,
          clock: { ...deps.clock, nowMs: () => deps.clock.nowMs() + this.laterMs },
        }),
      }),
    );
  }

  async take({ machine, what, pushes, uses, mounter }: Step): Promise<void> {
    // Minutes apart, the resolution of notes.
    this.laterMs += 120_000;
    const engine = this.engines[machine] ?? expect.fail('no machine');
    if (what === 'collect') {
      const options = { ...everything, policy: budget };
      await collectGarbage(engine.deps, options, signal);
      for (const { plan } of (await findGarbage(engine.deps, options, signal)).growth) {
        expect(plan.goingBytes, 'after a collection nothing more may go').toBe(0);
        expect(plan.why).not.toBe(null);
      }
      return;
    }
    const request = { ...lenient, push: pushes ? 'wait' : 'never', mounter } as const;
    const name = `new${++this.#added}`;
    const build = ([volume]: readonly MemoryVolume[]): void => {
      for (const each of uses) use(volume, `often${each}`);
      use(volume, name);
    };
    if (what === 'build') {
      await engine.run(build, { request });
      await expectThere(engine, name);
    } else {
      const inner = `new${++this.#added}`;
      await engine.run(
        async (volumes) => {
          build(volumes);
          await engine.run(([volume]) => use(volume, inner), { request });
        },
        { request },
      );
      await expectThere(engine, name, inner);
    }
    await expectClosed(engine);
  }

  /** All machines sync. */
  async settle(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      for (const engine of this.engines) await engine.run(() => undefined, { request: lenient });
    }
  }
}

function use(volume: MemoryVolume | undefined, name: string): void {
  if (volume?.exists(`content/${name}`) === true) {
    volume.read(`content/${name}`);
    return;
  }
  install(volume, name);
  put(volume, `content/${name}`, name.padEnd(sizeBytes, '.'));
}

async function expectThere(engine: TestEngine, ...names: readonly string[]): Promise<void> {
  const seen = await look(engine, { request: { ...lenient, push: 'never' } });
  for (const name of names) expect([...seen.keys()], 'what a run has just added').toContain(`content/${name}`);
}

async function expectClosed(engine: TestEngine): Promise<ReadonlyMap<string, string>> {
  const seen = await look(engine, { request: lenient });
  for (const { layers } of await engine.deps.metadata.listHeads(signal)) {
    expect(new Set(layers).size, 'no manifest names a layer twice').toBe(layers.length);
  }
  for (const line of (seen.get('index/bucket') ?? '').split('\n')) {
    if (line !== '') expect([...seen.keys()], 'a name without its content').toContain(`content/${line}`);
  }
  return seen;
}

test('in every history, names have their content, and all machines agree at the end', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const world = new World();
      for (const step of list) await world.take(step);
      await world.settle();
      const sights = [];
      for (const engine of world.engines) sights.push(new Map(await expectClosed(engine)));
      expect(sights[1]).toEqual(sights[0]);
    }),
    { numRuns: 40 },
  );
});
