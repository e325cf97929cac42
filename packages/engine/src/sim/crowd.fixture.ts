import { noAbort } from '@cachelane/testkit';
import { findPending, pushPending } from '../sync/push/push-pending.ts';
import type { TestEngine } from '../testing/test-engine.fixture.ts';
import { install, namesIn } from './installs.fixture.ts';
import { calm, contextIn, faultOfMachine, faultOfRemote, World } from './world.fixture.ts';

export interface Crowd {
  readonly seed: number;
  readonly machines: number;
  /** Runs on each machine, one after the other. */
  readonly runs: number;
}

/** Plays many machines that save in one lane at the same time, each with its own squashes. Returns the first broken claim, or null. */
export async function playCrowd({ seed, machines, runs }: Crowd): Promise<string | null> {
  const world = new World({ seed });
  while (world.machines.length < machines) world.addMachine();
  const { chance } = world;
  const request = { context: contextIn('main'), strict: false } as const;
  const saved: string[] = [];
  let fault: string | null = null;
  await Promise.all(
    world.machines.map(async (machine) => {
      for (let run = 0; run < runs; run++) {
        const name = `n-main-${machine.number}.${run}`;
        const push = chance.pick(['wait', 'wait', 'wait', 'never']);
        const { report } = await world
          .process(machine, calm)
          .engine.run(([volume]) => volume && install(volume, name), { request: { ...request, push } });
        if ((report.volumes[0]?.added ?? 0) > 0) saved.push(name);
        fault ??= faultOfRemote(world);
      }
    }),
  );
  for (const machine of world.machines) {
    await pushAll(world.process(machine, calm).engine);
    fault ??= faultOfRemote(world) ?? (await faultOfMachine(machine));
  }
  for (const machine of [...world.machines, world.addMachine()]) {
    let seen: readonly string[] = [];
    await world.process(machine, calm).engine.run(([volume]) => void (seen = namesIn(volume)), { request });
    const lost = saved.filter((name) => !seen.includes(name));
    if (lost.length > 0) fault ??= `machine ${machine.number} does not see ${lost.join(', ')}`;
  }
  return fault;
}

/** Pushes all pending heads of a machine. */
export async function pushAll(engine: TestEngine): Promise<void> {
  const { remote, ...deps } = engine.deps;
  if (remote === null) return;
  for (const head of await findPending({ ...deps, remote }, noAbort))
    await pushPending({ ...deps, remote }, head, noAbort);
}
