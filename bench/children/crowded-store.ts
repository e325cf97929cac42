import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import {
  digestOf,
  formatLane,
  newId,
  parseLane,
  parseNamespace,
  parseVolumeName,
  unknownToolName,
  type BytePath,
  type Clock,
  type Entry,
  type LayerId,
  type Namespace,
  type RunId,
  type Tool,
  type ToolEnvironment,
} from '@cachelane/core';
import { Seeds, type EngineDependencies } from '@cachelane/engine';
import {
  openLayerFiles,
  openLeaseStore,
  openMounters,
  openSqliteMetadata,
  openTransferFiles,
  realFiles,
  type StoreFiles,
  openSeedFiles,
} from '@cachelane/store';
import { tools } from '@cachelane/tools';

// A store with many volumes, each in its own namespace. Each volume has `layersEach` layers with one file of 20 bytes.

export const noAbort: AbortSignal = new AbortController().signal;
export const lane = formatLane(parseLane('t1:local'));
export const volumeName = parseVolumeName('data');
/** A squash and three layers above it, like a typical lane. */
export const layersEach = 10;
const bootId = 'bench';
const hourMs = 3_600_000;

export const environment: ToolEnvironment = {
  homeDir: '/home/bench',
  workDir: '/home/bench',
  os: 'linux',
  arch: 'x64',
  env: () => undefined,
  readText: () => undefined,
  programVersion: () => undefined,
};

const toolOfAll: Tool =
  tools.find(({ name }) => name === unknownToolName) ?? failed('there is no tool for directories');

function failed(why: string): never {
  throw new Error(why);
}

const random = { bytes: (count: number) => crypto.getRandomValues(new Uint8Array(count)) };

/** Returns a clock that is `aheadMs` ahead. */
function clockAt(aheadMs: number): Clock {
  return {
    nowMs: () => Date.now() + aheadMs,
    monotonicMs: () => performance.now(),
    sleep: async (ms, signal) => await wait(ms, undefined, { signal }),
  };
}

/** Without durability and background work. */
const hasty: StoreFiles = {
  ...realFiles,
  writeSynced: (path, content) => {
    realFiles.write(path, content);
  },
  syncDir: () => {},
  start: () => {},
};

export async function openCrowded(
  home: string,
  how: { readonly isHasty?: boolean; readonly aheadMs?: number } = {},
): Promise<Omit<EngineDependencies, 'runtime'> & AsyncDisposable> {
  const clock = clockAt(how.aheadMs ?? 0);
  const files = how.isHasty === true ? hasty : realFiles;
  const metadata = await openSqliteMetadata({ file: join(home, 'state.db'), random, clock }, noAbort);
  return {
    metadata,
    layers: openLayerFiles({ dir: home, bootId, clock, files }),
    transfers: openTransferFiles({ dir: home }),
    remote: null,
    mounters: openMounters({ dir: home, bootId, files }),
    leases: openLeaseStore({ sessionsDir: join(home, 'sessions') }),
    seeds: new Seeds(openSeedFiles({ dir: home })),
    clock,
    random,
    tools,
    bootId,
    events: () => {},
    [Symbol.asyncDispose]: async () => await metadata[Symbol.asyncDispose](),
  };
}

export function namespaceOf(number: number): Namespace {
  return parseNamespace(`github.com/crowd/n${number}`);
}

/** Publishes a layer with one file, which nothing names yet. */
async function publishOne(
  { layers, clock }: Pick<EngineDependencies, 'layers' | 'clock'>,
  text: string,
  run: RunId,
): Promise<LayerId> {
  const content = Buffer.from(text);
  const entry: Entry = {
    path: `file-${text}` as BytePath,
    type: 'file',
    mode: 0o644,
    mtimeNs: 1_700_000_000_000_000_000n,
    sizeBytes: content.length,
    digest: digestOf(content),
    origins: [run],
    mergeClass: 'D',
    group: null,
    form: 'whole',
    removed: null,
  };
  // An hour ago, so that a collection can delete everything.
  const sealedAtMs = clock.nowMs() - hourMs;
  const staged = await layers.stage(
    { changes: null, entries: [{ from: 'content', entry, content }], sealedAtMs },
    noAbort,
  );
  await layers.publish(staged, noAbort);
  return staged.id;
}

/** Opens a session in a namespace with one volume. */
async function openSession({ metadata, clock }: Pick<EngineDependencies, 'metadata' | 'clock'>, number: number) {
  const run = newId('run', random.bytes(16));
  const sessionId = newId('session', random.bytes(16));
  const namespace = namespaceOf(number);
  const opened = await metadata.openSession(
    {
      sessionId,
      run: { id: run, lane, startedAtMs: clock.nowMs(), revision: null, workflow: null, purpose: 'run' },
      namespace,
      freshNamespaceId: newId('namespace', random.bytes(16)),
      directory: null,
      adoptFrom: null,
      mayWrite: true,
      reads: true,
      volumes: [
        {
          name: volumeName,
          compat: toolOfAll.compat(environment),
          tool: toolOfAll.name,
          sync: null,
          chain: [{ namespace, lane }],
          lock: false,
          freshId: newId('volume', random.bytes(16)),
          freshNamespaceId: newId('namespace', random.bytes(16)),
        },
      ],
      targets: [],
      bootId,
      atMs: clock.nowMs(),
    },
    noAbort,
  );
  const volumeId = opened.volumes[0]?.volume.id ?? failed('a session of one volume has none');
  return { run, sessionId, volumeId };
}

/** Publishes layers of a run that ended before its commit. */
export async function leaveBehind(
  deps: Pick<EngineDependencies, 'metadata' | 'layers' | 'clock'>,
  texts: readonly string[],
): Promise<void> {
  const { run, sessionId } = await openSession(deps, 0);
  const pins: LayerId[] = [];
  for (const text of texts) pins.push(await publishOne(deps, text, run));
  await deps.metadata.updateSession(sessionId, { pins }, noAbort);
  await deps.metadata.closeSession(sessionId, () => {}, noAbort);
}

/** Creates volumes in the namespaces `from` up to `to` (exclusive) through the ports, like runs. */
export async function fillCrowded(home: string, from: number, to: number): Promise<void> {
  await using deps = await openCrowded(home, { isHasty: true });
  const { metadata, clock } = deps;
  for (let number = from; number < to; number++) {
    const { run, sessionId, volumeId } = await openSession(deps, number);
    const layers: LayerId[] = [];
    for (let generation = 0; generation < layersEach; generation++) {
      const id = await publishOne(deps, `${number}.${generation}`, run);
      layers.unshift(id);
      const counts = { added: 1, changed: 0, removed: 0, sizeBytes: 20 };
      const layer = { id, volumeId, run, counts, files: 1, sealedAtMs: clock.nowMs(), bootId };
      const expectedGeneration = generation;
      const request = { volumeId, lane, expectedGeneration, layers, layer, run, counts, atMs: clock.nowMs() };
      await metadata.commit(request, noAbort);
    }
    await metadata.closeSession(sessionId, () => {}, noAbort);
  }
}
