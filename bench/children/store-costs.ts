import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseNamespace, type Context, type Runtime } from '@cachelane/core';
import { collectGarbage, runCommand, type EngineDependencies, type RunCommandRequest } from '@cachelane/engine';
import {
  environment,
  fillCrowded,
  lane,
  layersEach,
  leaveBehind,
  namespaceOf,
  noAbort,
  openCrowded,
  volumeName,
} from './crowded-store.ts';

// Measures runs and collections in a store of a given size: `store-costs HOME LAYERS ROUNDS`. Fills a smaller home up to it.

/** Milliseconds, a sample for each round: wall time of runs, processor time of collections. */
export interface StoreCosts {
  readonly open: readonly number[];
  readonly save: readonly number[];
  /** The saves that also squash. */
  readonly squash: readonly number[];
  readonly collectNothing: readonly number[];
  readonly collectTen: readonly number[];
}

const [home = '', wanted = '', rounds = ''] = process.argv.slice(2);

/** Replaces a command: it writes to the overlay's upper directory without a mount or a process. */
let command: ((upper: string) => void) | null = null;
const runtime: Runtime = {
  name: 'function',
  run: async ({ mounts }) => {
    const [mount] = mounts;
    if (mount?.kind !== 'overlay') throw new Error('the volume was not attached as an overlay');
    command?.(mount.upperDir);
    return await Promise.resolve({ kind: 'exited', exitCode: 0, interrupted: false, receivedSignal: null });
  },
  survivors: async () => await Promise.resolve([]),
  endSurvivors: async () => await Promise.resolve([]),
};

function requestOf(number: number): RunCommandRequest {
  const namespace = namespaceOf(number);
  const context: Context = {
    endpoint: 'local',
    namespace,
    parents: [],
    localNamespace: parseNamespace('local/bench-0123456789ab'),
    lane,
    trust: 'T1',
    defaultLane: null,
    readChain: [{ namespace, lane }],
    adoptFrom: null,
    personalTier: false,
    canWrite: true,
    why: 'bench',
    inputs: [],
  };
  return {
    context,
    volumes: [
      {
        namespace: null,
        name: volumeName,
        tool: 'directory',
        path: join(home, '..', 'mount'),
        sharing: null,
        commit: null,
        sync: null,
        seed: null,
        compat: {},
        source: 'bench',
      },
    ],
    directory: null,
    environment,
    argv: ['function'],
    cwd: home,
    env: {},
    mode: 'write',
    purpose: 'run',
    mounter: 'overlay',
    lockWaitMs: 0,
    leaveProcesses: false,
    push: 'never',
    remoteWaitMs: 0,
    strict: true,
    revision: null,
    workflow: null,
    signal: noAbort,
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - started) / 1e6;
}

/** Returns the processor time of all threads. */
async function processorTime(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

async function measure(deps: EngineDependencies): Promise<StoreCosts> {
  const request = requestOf(0);
  const costs = { open: [], save: [], squash: [], collectNothing: [], collectTen: [] } as {
    -readonly [K in keyof StoreCosts]: number[];
  };
  const collect = async (): Promise<unknown> =>
    await collectGarbage(deps, { policy: {}, upTo: 'T3', isThere: () => true }, noAbort);
  const volumes = await deps.metadata.listVolumes(noAbort);
  const namespace = await deps.metadata.findNamespace(namespaceOf(0), noAbort);
  const volume = volumes.find(({ namespaceId }) => namespaceId === namespace?.id);
  if (volume === undefined) throw new Error('the volume is missing');
  const squashesNow = async (): Promise<number> => (await deps.metadata.squashes(volume.id, lane, noAbort)).length;
  let saves = 0;
  const save = async (): Promise<void> => {
    command = (upper) => writeFileSync(join(upper, `saved-${process.pid}-${saves++}`), 'x');
    const before = await squashesNow();
    const ms = await timed(async () => await runCommand(deps, request));
    costs[(await squashesNow()) > before ? 'squash' : 'save'].push(ms);
    command = null;
  };
  // The first squash covers everything and reads it for the first time.
  await save();
  await runCommand(deps, request);
  await collect();
  for (const kind of [costs.save, costs.squash]) kind.length = 0;
  for (let round = 0; round < Number(rounds); round++) {
    costs.open.push(await timed(async () => await runCommand(deps, request)));
    for (let each = 0; each < 4; each++) await save();
    costs.collectNothing.push(await processorTime(collect));
    await leaveBehind(
      deps,
      Array.from({ length: 10 }, (_, each) => `unnamed-${process.pid}-${round}-${each}`),
    );
    costs.collectTen.push(await processorTime(collect));
  }
  return costs;
}

if (!existsSync(home)) mkdirSync(home, { recursive: true });
const namespaces = Math.max(1, Math.round(Number(wanted) / layersEach));
{
  await using crowded = await openCrowded(home);
  const known = (await crowded.metadata.listNamespaces(noAbort)).length;
  await fillCrowded(home, known, namespaces);
}
await using deps = await openCrowded(home);
process.stdout.write(`${JSON.stringify(await measure({ ...deps, runtime }))}\n`);
