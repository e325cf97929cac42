import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  newId,
  parseNamespace,
  type Context,
  type LayerId,
  type RunId,
  type RunReport,
  type VolumeRecord,
} from '@cachelane/core';
import {
  collectGarbage,
  dropFaulty,
  findKept,
  importLayers,
  planEverywhere,
  pruneVolume,
  removeKept,
  revokeEverywhere,
  rollBack,
  runCommand,
  verifyStore,
  type EngineDependencies,
  openExport,
} from '@cachelane/engine';
import { contextAt, noAbort, random, requestAt, volumeAt, type HomeEngine } from '../engine.fixture.ts';
import {
  dataPath,
  namesIn,
  seenIn,
  takeOut,
  writeCommit,
  type SeenCommits,
  type VolumeDirs,
} from '../sync/commits.fixture.ts';
import {
  aliases,
  dataThing,
  isOwn,
  nameOf,
  npmThing,
  places,
  stateFile,
  thingsOf,
  type Act,
  type Place,
  type Told,
  type WorkerOrder,
} from './told.fixture.ts';

/** An operation of a worker. */
export interface Task {
  readonly number: number;
  readonly act: Act;
  readonly place: Place;
  /** Returns a number in [0, 1). */
  readonly chance: () => number;
}

interface Saved {
  readonly name: string;
  readonly run: RunId;
  readonly atMs: number;
}

export interface Worker {
  readonly order: WorkerOrder;
  readonly engine: HomeEngine;
  readonly deps: EngineDependencies;
  readonly tell: (told: Told) => void;
  /** Returns the run of the last opened session. */
  readonly lastRun: () => RunId;
  /** What this process saved. */
  readonly saved: Saved[];
  /** The names that it was about to remove. */
  readonly taken: Set<string>;
}

/** Less than the revocation window, with a margin for clock jumps. */
const revocableMs = 12 * 86_400_000;

/** Performs the task. Returns null, or the reason why it was not done. Passes on errors of the operation. */
export async function perform(worker: Worker, task: Task): Promise<string | null> {
  switch (task.act) {
    case 'add':
      return await add(worker, task);
    case 'change':
      return await change(worker, task);
    case 'remove':
      return await remove(worker, task);
    case 'prune':
      return await prune(worker, task);
    case 'look':
      await run(worker, task, (_, seen) => requireOwnSaved(worker, task, seen));
      return null;
    case 'collect':
      await collectGarbage(worker.deps, { policy: {}, upTo: 'T3', isThere: () => true }, noAbort);
      return null;
    case 'verify':
      return await verify(worker);
    case 'rename':
      await worker.deps.metadata.aliasNamespace(pathOf(task), parseNamespace(oneOf(aliases, task)), noAbort);
      return null;
    case 'copy':
      return await copy(worker);
    case 'rm':
      return await removeLane(worker, task);
    case 'roll back':
      return await goBack(worker, task);
    case 'revoke':
      return await revoke(worker, task);
    case 'policy':
      await worker.deps.metadata.setPolicy(pathOf(task), 'history-generations', oneOf(['2', '5', '20'], task), noAbort);
      return null;
    case 'run by the program':
      return runByProgram(worker, task);
    case 'gc by the program':
      return byProgram(worker, ['gc']);
    case 'rm by the program':
      return byProgram(worker, ['rm', `${places[task.place].namespace}:data`, '--lane', places[task.place].lane]);
  }
}

function oneOf<T>(all: readonly T[], { chance }: Task): T {
  return all[Math.floor(chance() * all.length)] as T;
}

/** Returns the namespace's current name or an older one. Both must work. */
function pathOf(task: Task): Context['namespace'] {
  const { namespace } = places[task.place];
  return parseNamespace(namespace === aliases[0] ? oneOf(aliases, task) : namespace);
}

function contextOf(task: Task): Context {
  return contextAt({ ...places[task.place], namespace: pathOf(task) });
}

async function run(
  { engine, deps, order, tell }: Worker,
  task: Task,
  work: (dirs: VolumeDirs, seen: SeenCommits) => void,
): Promise<RunReport> {
  engine.command = (dirs) => {
    const seen = seenIn(dirs);
    if (seen.broken.length > 0) {
      tell({ say: 'fault', what: `a run in ${task.place} sees lines without content: ${seen.broken.join(', ')}` });
    }
    work(dirs, seen);
  };
  return (await runCommand(deps, { ...requestAt(order.dir, contextOf(task)), strict: true })).report;
}

function whyUnsaved({ volumes }: RunReport): string | null {
  const unsaved = volumes.find(({ skipped, mounter }) => skipped !== null || mounter !== 'clone');
  return unsaved === undefined ? null : (unsaved.skipped ?? `${unsaved.name} was attached by ${unsaved.mounter}`);
}

async function add(worker: Worker, task: Task): Promise<string | null> {
  const { order, tell, deps, saved } = worker;
  const name = nameOf(order.worker, task.place, task.number);
  tell({ say: 'about', puts: thingsOf(name) });
  const report = await run(worker, task, (dirs, seen) => {
    requireOwnSaved(worker, task, seen);
    writeCommit(dirs, name);
  });
  const why = whyUnsaved(report);
  if (why === null) saved.push({ name, run: worker.lastRun(), atMs: deps.clock.nowMs() });
  return why;
}

async function change(worker: Worker, task: Task): Promise<string | null> {
  const { order, tell } = worker;
  tell({ say: 'about', puts: [`state ${order.worker}-${task.place} ${task.number}`] });
  const report = await run(worker, task, ({ data }) => {
    const file = join(data, stateFile(order.worker, task.place));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, String(task.number));
  });
  return whyUnsaved(report);
}

/** Removes one of its own files. This counts in a directory without tool rules. */
async function remove(worker: Worker, task: Task): Promise<string | null> {
  const { order, tell } = worker;
  const report = await run(worker, task, ({ data }, { files }) => {
    const own = [...files.keys()].filter((path) => isOwn(path.replace('/', '.'), order.worker, task.place));
    if (own.length === 0) return;
    const path = oneOf(own, task);
    tell({ say: 'about', takes: [dataThing(path)] });
    rmSync(join(data, path));
  });
  return whyUnsaved(report);
}

/** Prunes two of its own names. */
async function prune(worker: Worker, task: Task): Promise<string | null> {
  const { engine, deps, order, tell, taken } = worker;
  engine.command = (dirs) => {
    const own = namesIn(dirs)
      .filter((name) => isOwn(name, order.worker, task.place))
      .slice(0, 2);
    tell({ say: 'about', takes: own.map(npmThing) });
    for (const name of own) taken.add(name);
    takeOut(dirs, new Set(own));
  };
  const request = requestAt(order.dir, contextOf(task));
  const { report } = await pruneVolume(deps, { ...request, volume: volumeAt(order.dir, 'npm') });
  return report.skipped;
}

/** In places without removals by others, a run finds everything that this process saved before. */
function requireOwnSaved({ order, saved, taken, tell }: Worker, { place }: Task, { names }: SeenCommits): void {
  if (!place.startsWith('keep')) return;
  const own = saved.filter(({ name }) => isOwn(name, order.worker, place) && !taken.has(name));
  const lost = own.filter(({ name }) => !names.has(name));
  if (lost.length > 0) tell({ say: 'fault', what: `missing in ${place}: ${lost.map(({ name }) => name).join(', ')}` });
}

async function verify({ deps, tell }: Worker): Promise<null> {
  const found = await verifyStore(deps, () => {}, noAbort);
  for (const { id, problems, heads } of found.faulty) {
    tell({ say: 'fault', what: `layer ${id} of ${heads.length} heads: ${problems.join(', ')}` });
  }
  await dropFaulty(deps, found, newId('run', random.bytes(16)), noAbort);
  return null;
}

interface Volumes {
  readonly npm: VolumeRecord | undefined;
  readonly data: VolumeRecord | undefined;
}

async function volumesOf({ deps }: Worker, place: Place): Promise<Volumes> {
  const namespace = await deps.metadata.findNamespace(parseNamespace(places[place].namespace), noAbort);
  const all = (await deps.metadata.listVolumes(noAbort)).filter(({ namespaceId }) => namespaceId === namespace?.id);
  return { npm: all.find(({ name }) => name === 'npm'), data: all.find(({ name }) => name === 'data') };
}

/** Exports `keep` while others work on it, and imports it elsewhere. */
async function copy(worker: Worker): Promise<string | null> {
  const { deps, order } = worker;
  const from = places['keep-local'];
  const volumes = await volumesOf(worker, 'keep-local');
  for (const name of ['npm', 'data'] as const) {
    const volume = volumes[name];
    const head = volume && (await deps.metadata.head(volume.id, contextAt(from).lane, noAbort));
    if (volume === undefined || head === undefined) return 'there is nothing to export';
    const { environment } = requestAt(order.dir, contextAt(from));
    const shared = { namespace: from.namespace, volume, head };
    await using exported = await openExport(deps, shared, { history: false, signal: noAbort });
    await importLayers(
      deps,
      {
        ...requestAt(order.dir, contextAt(places['copy-local'])),
        volume: volumeAt(order.dir, name),
        environment,
      },
      exported.parts,
    );
  }
  return null;
}

/** Removes a lane, as `cachelane rm` does. */
async function removeLane(worker: Worker, task: Task): Promise<string | null> {
  const { deps } = worker;
  const { lane } = contextAt(places[task.place]);
  for (const volume of Object.values(await volumesOf(worker, task.place)) as readonly (VolumeRecord | undefined)[]) {
    if (volume === undefined) continue;
    await deps.metadata.removeVolume(volume.id, lane, noAbort);
    const isGone = (kept: { readonly volume: string; readonly lane: string }): boolean =>
      kept.volume === volume.id && kept.lane === lane;
    await removeKept(deps.mounters, await findKept(deps.mounters, isGone, noAbort), noAbort);
  }
  return null;
}

async function goBack(worker: Worker, task: Task): Promise<string | null> {
  const { deps } = worker;
  const context = contextAt(places[task.place]);
  const volumes = await volumesOf(worker, task.place);
  const volume = oneOf([volumes.npm, volumes.data], task);
  if (volume === undefined) return 'there is nothing to roll back';
  const moves = await deps.metadata.history(volume.id, context.lane, noAbort);
  if (moves.length === 0) return 'there is nothing to roll back';
  const tool = deps.tools.find(({ name }) => name === volume.tool);
  if (tool === undefined) throw new Error(`there is no tool ${volume.tool}`);
  const to = oneOf(moves, task).generation;
  await rollBack(deps, { volumeId: volume.id, tool, context, to, by: newId('run', random.bytes(16)) }, noAbort);
  return null;
}

async function revoke(worker: Worker, task: Task): Promise<string | null> {
  const { deps, saved, tell } = worker;
  const oldestMs = deps.clock.nowMs() - revocableMs;
  const own = saved.filter(({ name, atMs }) => isOwn(name, worker.order.worker, task.place) && atMs > oldestMs);
  if (own.length === 0) return 'it has saved nothing there';
  const { name, run } = oneOf(own, task);
  tell({ say: 'about', takes: thingsOf(name) });
  await revokeEverywhere(deps, await planEverywhere(deps, { run, cascade: false }, noAbort), 'stress', noAbort);
  return null;
}

interface Report {
  readonly volumes: readonly { readonly layer: LayerId | null; readonly skipped: string | null }[];
}

/** Runs the program with its own mounts at its own path. */
function runByProgram(worker: Worker, task: Task): string | null {
  const { order, tell } = worker;
  const name = nameOf(order.worker, task.place, task.number);
  const dir = join(order.dir, 'cli', order.worker);
  const report = join(order.dir, `report-${order.worker}.json`);
  rmSync(report, { force: true });
  const path = dataPath(name);
  tell({ say: 'about', puts: [dataThing(path)] });
  const script = `mkdir -p "${dir}/data/${dirname(path)}" && echo "content of ${name}" >"${dir}/data/${path}"`;
  const options = ['-n', places[task.place].namespace, '-v', `data:${dir}/data`, '--report', report, '--strict'];
  const failed = byProgram(worker, ['run', ...options, '--', 'sh', '-ec', script]);
  if (failed !== null) return failed;
  const { volumes } = JSON.parse(readFileSync(report, 'utf8')) as Report;
  return volumes.every(({ layer }) => layer !== null) ? null : 'it saved nothing';
}

/** Runs the program. Returns null, or the reason why it did nothing. */
function byProgram({ order }: Worker, argv: readonly string[]): string | null {
  const [file = '', ...first] = order.cachelane;
  const { status, stderr } = spawnSync(file, [...first, ...argv], {
    cwd: order.dir,
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      HOME: order.dir,
      TMPDIR: order.dir,
      CACHELANE_HOME: join(order.dir, 'store'),
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
    },
    encoding: 'utf8',
  });
  return status === 0 ? null : `exit code ${status}: ${stderr.trim().slice(0, 500)}`;
}
