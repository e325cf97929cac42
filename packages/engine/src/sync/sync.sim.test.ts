import { dataKey, decodeManifest, digestOf, indexKey } from '@cachelane/core';
import {
  emptyRemoteState,
  faultyRemote,
  memoryRemote,
  type MemoryRemoteState,
  type MemoryVolume,
  type RemoteFault,
} from '@cachelane/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  install,
  look,
  testEngine,
  testHome,
  text,
  type TestEngine,
  type TestHome,
} from '../testing/test-engine.fixture.ts';
import { Life, mortal } from './dying-process.fixture.ts';

const noAbort = new AbortController().signal;
const lenient = { request: { strict: false } } as const;

/** Ids of processes that share a home or a remote must differ. */
let processes = 0;

class Machine {
  readonly #home: TestHome = testHome();
  readonly #state: MemoryRemoteState;

  constructor(state: MemoryRemoteState) {
    this.#state = state;
  }

  /** Starts a process on this machine. */
  process(life: Life = immortal(), decide: () => RemoteFault | undefined = () => undefined): TestEngine {
    const remote = faultyRemote(memoryRemote(this.#state), decide);
    return testEngine({ seed: `process-${++processes} `, home: this.#home, remote, wrap: mortal(life) });
  }

  /** Checks that every layer that a head names exists and is intact. */
  async requireSound(): Promise<void> {
    const { deps } = this.process();
    for (const head of await deps.metadata.listHeads(noAbort)) {
      for (const id of head.layers) expect(await deps.layers.verify(id, noAbort)).toMatchObject({ ok: true });
    }
  }
}

function immortal(): Life {
  return new Life({ operation: Number.POSITIVE_INFINITY, when: 'before' });
}

/** Checks that every object that a remote head names exists and is intact. */
function requireSoundRemote({ heads, objects }: MemoryRemoteState): void {
  for (const [key, head] of heads) {
    if (!key.startsWith('heads/') || head.bytes === null) continue;
    const { layers, squashes } = decodeManifest(head.bytes, null);
    for (const { id, data } of [...layers, ...squashes.flatMap((squash) => squash.layers)]) {
      const content = [objects.get(indexKey(id)), objects.get(dataKey(data.digest))].map((object) =>
        object === undefined ? 'missing' : digestOf(object.bytes),
      );
      expect(content).toEqual([id, data.digest]);
    }
  }
}

async function linesOf(engine: TestEngine): Promise<readonly string[]> {
  const seen = await look(engine, lenient);
  const lines = (seen['index/bucket'] ?? '').split('\n').filter((line) => line !== '');
  for (const line of lines) expect(seen[`content/${line}`]).toBe(`bytes of ${line}`);
  return lines;
}

/** Returns whether the run saved what it installed; unknown after a crash. */
async function installIn(engine: TestEngine, name: string, life?: Life): Promise<boolean> {
  try {
    const { report } = await engine.run(([volume]) => install(volume, name), lenient);
    return life?.isDead !== true && (report.volumes[0]?.added ?? 0) > 0;
  } catch (error) {
    if (life?.isDead === true) return false;
    throw error;
  }
}

/** Removes unwanted names with their lines, like a tool's clean-up. */
function sweepJunk(volume: MemoryVolume | undefined): void {
  if (volume?.exists('index/bucket') !== true) return;
  const lines = text(volume, 'index/bucket')
    .split('\n')
    .filter((line) => line !== '');
  for (const line of lines) if (line.startsWith('junk')) volume.remove(`content/${line}`);
  volume.write(
    'index/bucket',
    lines
      .filter((line) => !line.startsWith('junk'))
      .map((line) => `${line}\n`)
      .join(''),
  );
}

const down = (): RemoteFault => ({ code: 'E_REMOTE_GONE', retryable: false });

async function scenario(life: Life): Promise<void> {
  const state = emptyRemoteState();
  const [ann, ben] = [new Machine(state), new Machine(state)];
  await installIn(ben.process(), 'b1');
  await installIn(ann.process(), 'a1');
  await installIn(ben.process(), 'b2');
  expect(await installIn(ann.process(immortal(), down), 'kept')).toBe(true);

  const isSaved = await installIn(ann.process(life), 'dying', life);
  requireSoundRemote(state);
  await ann.requireSound();
  await ann.process().run(() => undefined, lenient);
  const wanted = ['a1', 'b1', 'b2', 'kept', ...(isSaved ? ['dying'] : [])];
  for (const engine of [ann.process(), ben.process(), new Machine(state).process()]) {
    expect(await linesOf(engine)).toEqual(expect.arrayContaining(wanted));
  }
  requireSoundRemote(state);
}

describe('a process that dies while it pulls, saves and pushes', () => {
  test('loses nothing saved, and leaves no head with missing layers, at any moment', async () => {
    const undisturbed = immortal();
    await scenario(undisturbed);
    expect(undisturbed.operations).toBeGreaterThan(40);
    for (let operation = 1; operation <= undisturbed.operations; operation++) {
      for (const when of ['before', 'after'] as const) await scenario(new Life({ operation, when }));
    }
  });
});

describe('P6 between machines', () => {
  const arbitraryFault: fc.Arbitrary<RemoteFault | undefined> = fc.constantFrom(
    ...Array.from({ length: 12 }, () => undefined),
    'before' as const,
    'after' as const,
    { code: 'E_REMOTE_GONE', retryable: false } as const,
    { afterBytes: 3 },
  );
  const arbitraryStep = fc.record({
    machine: fc.nat({ max: 4 }),
    what: fc.constantFrom('install', 'install', 'install', 'look', 'junk', 'prune'),
    faults: fc.array(arbitraryFault, { maxLength: 30 }),
    dies: fc.option(
      fc.record({ operation: fc.integer({ min: 1, max: 120 }), when: fc.constantFrom('before', 'after') }),
      {
        freq: 4,
      },
    ),
    beside: fc.boolean(),
  });

  test('the saves of every run are on every machine at the end, despite failures and crashes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(arbitraryStep, { minLength: 2, maxLength: 14, size: 'max' }), async (steps) => {
        const state = emptyRemoteState();
        const machines = Array.from({ length: 5 }, () => new Machine(state));
        const saved = new Set<string>();
        let waiting: Promise<void>[] = [];
        for (const [index, { machine, what, faults, dies, beside }] of steps.entries()) {
          const queue = [...faults];
          const life = dies === null ? immortal() : new Life(dies);
          const engine = machines[machine]?.process(life, () => queue.shift()) ?? expect.fail('no machine');
          const act = async (): Promise<void> => {
            const name = what === 'junk' ? `junk${index}` : `n${index}`;
            if (what === 'install' || what === 'junk') {
              if ((await installIn(engine, name, life)) && what === 'install') saved.add(name);
              return;
            }
            const options = { request: { strict: false, purpose: what === 'prune' ? 'prune' : 'run' } } as const;
            await engine
              .run(([volume]) => (what === 'prune' ? sweepJunk(volume) : undefined), options)
              .catch(() => undefined);
          };
          waiting.push(act());
          if (!beside) {
            await Promise.all(waiting);
            waiting = [];
          }
        }
        await Promise.all(waiting);
        requireSoundRemote(state);
        for (const machine of machines) await machine.process().run(() => undefined, lenient);
        for (const machine of [...machines, new Machine(state)]) {
          await machine.requireSound();
          expect(await linesOf(machine.process())).toEqual(expect.arrayContaining([...saved]));
        }
      }),
      { numRuns: 60 },
    );
  });
});
