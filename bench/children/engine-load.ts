import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { openClient, type EngineClient } from './engine-client.ts';
import { cpuMs, residentBytes, startEngine, type Engine } from './engine-process.ts';

// Measures an engine: `engine-load LAUNCHER ROUNDS`, with the engine's directory and environment. Each look-up asks for a volume by key.

/** A sample for each round. */
export interface EngineCosts {
  readonly readyMs: readonly number[];
  /** The rate of one client that waits for each answer. */
  readonly perSecond: readonly number[];
  /** The engine's processor time per request. */
  readonly lookUpCpuMs: readonly number[];
  /** 100 clients ask 1,000 times a second in total, even if answers are late. Measured from the due time. */
  readonly p50Ms: readonly number[];
  readonly p99Ms: readonly number[];
  /** How long the engine's thread waited for a processor during the five seconds. */
  readonly waitedMs: readonly number[];
  /** Resident memory after one request, and at the end. */
  readonly idleBytes: readonly number[];
  readonly afterBytes: readonly number[];
}

const [launcher = '', rounds = ''] = process.argv.slice(2);
const closedLoopMs = 3000;
const openLoop = { clients: 100, perSecond: 1000, seconds: 5 };
const lookUp = {
  query: 'query ($key: String!) { cacheVolume(key: $key) { id namespace } }',
  variables: { key: 'npm' },
};

function waitedForCpuMs({ pid }: Engine): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
}

async function askForAWhile(client: EngineClient, ms: number): Promise<number> {
  const until = performance.now() + ms;
  let asked = 0;
  while (performance.now() < until) {
    await client.ask(lookUp);
    asked += 1;
  }
  return asked;
}

async function askOnTime(clients: readonly EngineClient[]): Promise<readonly number[]> {
  const total = openLoop.perSecond * openLoop.seconds;
  const latencies: number[] = [];
  const asked: Promise<void>[] = [];
  const started = performance.now();
  const ask = async (client: EngineClient, dueMs: number): Promise<void> => {
    await client.ask(lookUp);
    latencies.push(performance.now() - dueMs);
  };
  for (let index = 0; index < total;) {
    const isDue = (): boolean => started + (index * 1000) / openLoop.perSecond <= performance.now();
    for (; index < total && isDue(); index += 1) {
      const client = clients[index % clients.length];
      if (client !== undefined) asked.push(ask(client, started + (index * 1000) / openLoop.perSecond));
    }
    await wait(1);
  }
  await Promise.all(asked);
  return latencies.toSorted((a, b) => a - b);
}

function at(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

async function measure(): Promise<EngineCosts> {
  const costs = {
    readyMs: [],
    perSecond: [],
    lookUpCpuMs: [],
    p50Ms: [],
    p99Ms: [],
    waitedMs: [],
    idleBytes: [],
    afterBytes: [],
  } as {
    -readonly [K in keyof EngineCosts]: number[];
  };
  // The first start reads from the disk.
  await (await startEngine(launcher))[Symbol.asyncDispose]();
  for (let round = 0; round < Number(rounds); round += 1) {
    await using engine = await startEngine(launcher);
    costs.readyMs.push(engine.readyMs);
    using first = await openClient(engine);
    await first.ask(lookUp);
    await wait(500);
    costs.idleBytes.push(residentBytes(engine));
    await askForAWhile(first, 1000);
    const before = cpuMs(engine);
    const asked = await askForAWhile(first, closedLoopMs);
    costs.perSecond.push((asked * 1000) / closedLoopMs);
    costs.lookUpCpuMs.push((cpuMs(engine) - before) / asked);
    const clients = await Promise.all(Array.from({ length: openLoop.clients }, async () => await openClient(engine)));
    const waited = waitedForCpuMs(engine);
    const latencies = await askOnTime(clients);
    costs.waitedMs.push(waitedForCpuMs(engine) - waited);
    costs.p50Ms.push(at(latencies, 0.5));
    costs.p99Ms.push(at(latencies, 0.99));
    for (const client of clients) client[Symbol.dispose]();
    await wait(500);
    costs.afterBytes.push(residentBytes(engine));
  }
  return costs;
}

void measure().then((costs) => process.stdout.write(`${JSON.stringify(costs)}\n`));
