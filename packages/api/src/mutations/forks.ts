import { asCachelaneError, CachelaneError, compatKey, limits, type RunId, type SharingMode } from '@cachelane/core';
import {
  openFork,
  recallFork,
  toolOf,
  whyNothingSaved,
  type ForkedVolume,
  type GoneVolume,
  type SavedVolume,
  type VolumeRequest,
} from '@cachelane/engine';
import type { AttachMode } from '../attach-mode.ts';
import type { AttachedFork } from '../clients.ts';
import { formatForkId, parseForkId, type ForkId } from '../fork-id.ts';
import { findVolumeRecord } from '../nodes/held.ts';
import { savedNode } from '../nodes/saved-node.ts';
import type { VolumeSubject } from '../nodes/volume-subject.ts';
import type { ApiRequest } from '../request.ts';
import { volumeToSave, volumeWithId } from '../root/find-volume.ts';
import { noteAsked } from '../root/note-asked.ts';
import { requireStillDefined } from '../root/offered.ts';
import { mayBeSeeded, sourceIn, type SourceInput } from '../root/volume-source.ts';
import { withHint } from './in-api-words.ts';
import { keyOfChange } from './repeated.ts';
import { requireStaying } from './require-staying.ts';
import { volumeRequest } from './volume-request.ts';

interface AttachInput {
  readonly volume: string;
  readonly sharing?: SharingMode | null;
  readonly source?: SourceInput | null;
  readonly mode: AttachMode;
}

export interface AttachArguments {
  readonly volumes: readonly AttachInput[];
  readonly lockTimeoutSeconds?: number | null;
  readonly key?: string | null;
  readonly samePath: boolean;
}

const modes = { READ: 'read', WRITE: 'write', WRITE_ONLY: 'write-only' } as const;

const lockHint = 'lockTimeoutSeconds says how long attach waits';

/** Errors: E_USAGE, E_LIMIT, E_LOCKED, E_NOT_FOUND, and those of a strict run. */
export async function attach(request: ApiRequest, args: AttachArguments): Promise<object> {
  const { world, caller, signal } = request;
  const { project, client } = caller;
  requireStaying(request, 'the fork');
  const key = keyOfChange(args.key);
  const mode = modeOf(args.volumes);
  const lockWaitMs = waitMs(args.lockTimeoutSeconds);
  const attached: Attaching[] = [];
  for (const input of args.volumes) attached.push(await attaching(request, input));
  const volumes = attached.map((each) => each.volume);
  requireDistinct(volumes);
  const deps = { ...world.deps, events: client.events };
  const { context, run: facts } = project;
  const wanted = { ...facts, context, volumes, mode: modes[mode], lockWaitMs, samePath: args.samePath, signal };
  const named = { lane: context.lane, mode, volumes: args.volumes.map(({ volume }) => volume) };
  const open = async (): Promise<AttachedFork> => {
    const fork = await withHint('E_LOCKED', lockHint, async () => await openFork(deps, wanted));
    return { id: formatForkId({ ...named, session: fork.sessionId, run: fork.run }), fork };
  };
  const asked = JSON.stringify([args.volumes, args.samePath]);
  const { id, fork } = await (key === null ? client.keep(open, signal) : client.keepOnce({ key, asked, signal }, open));
  const nodes = fork.volumes.map((volume, index) => forkedNode(volume, attached[index]?.warnings ?? []));
  return { id, run: fork.run, volumes: nodes };
}

export interface ForkArguments {
  readonly fork: string;
}

export interface CommitArguments extends ForkArguments {
  readonly exitCode: number;
}

/** The fork's id is the key of its commit: asked again, it is the same one. Errors: E_NOT_FOUND, E_NOT_SAVED, E_LOCKED, and those of a strict save. */
export async function commit(
  request: ApiRequest,
  { fork: text, exitCode }: CommitArguments,
): Promise<readonly object[]> {
  const { ended, caller } = request;
  requireExitCode(exitCode);
  const id = parseForkId(text);
  if (id === undefined) throw new CachelaneError('E_NOT_FOUND', 'there is no fork with this id');
  const { client } = caller;
  const fork = client.fork(text);
  if (fork?.isOpen === true)
    ended.keep(text, { by: client.mark, commit: commitFork(request, { id: text, fork }, exitCode) });
  const known = ended.of(text);
  // What was granted when it was made may not be any more, and it is its client's all the same.
  if (known?.by === client.mark) return (await known.commit).map(savedNode);
  // Also of one that somebody else had: what became of it is told to whoever may know of its volumes.
  const subjects: VolumeSubject[] = [];
  for (const volume of id.volumes) subjects.push(await volumeWithId(request, volume));
  return (await (known?.commit ?? recall(request, { ...id, exitCode }, subjects))).map(savedNode);
}

/** Errors: E_USAGE. */
function requireExitCode(exitCode: number): void {
  if (exitCode < 0 || exitCode > 255) throw new CachelaneError('E_USAGE', `exitCode is ${exitCode}: it is 0 to 255`);
}

async function commitFork(
  { world, caller }: ApiRequest,
  attached: AttachedFork,
  exitCode: number,
): Promise<readonly SavedVolume[]> {
  const { project, client } = caller;
  const { fork } = attached;
  try {
    const reports = await client.commit(attached, exitCode);
    await world.afterSaving({ context: project.context, reports, events: client.events });
    return reports;
  } catch (thrown) {
    throw fork.isOpen ? thrown : overWith(thrown, fork.run);
  }
}

/** Of a fork that has ended: nothing of the kind can succeed any more, whatever is retryable while it is open. */
function overWith(thrown: unknown, run: RunId): CachelaneError {
  const { code, message } = asCachelaneError(thrown);
  return new CachelaneError(code, message, {
    hint: `the fork has ended: asked again, commit tells what was saved of it, and so does the history of ${run}`,
    cause: thrown,
  });
}

async function recall(
  request: ApiRequest,
  { session, run, lane, mode, exitCode }: ForkId & { readonly exitCode: number },
  subjects: readonly VolumeSubject[],
): Promise<readonly SavedVolume[]> {
  const { world, caller, signal } = request;
  const { canWrite, why } = caller.project.context;
  const volumes: GoneVolume[] = [];
  for (const subject of subjects) {
    const tool = toolOf(world.deps.tools, subject);
    const policy = caller.project.requestFor(subject).commit ?? tool.commitWhen;
    const outcome = { exitCode, interrupted: false };
    const skipped = whyNothingSaved({ mode: modes[mode], readOnly: canWrite ? null : why, policy, outcome });
    const id = (await findVolumeRecord(request, subject))?.id ?? null;
    volumes.push({ name: subject.key, id, tool, skipped });
  }
  return await recallFork(world.deps, { session, run, lane, volumes }, signal);
}

/** False where it has ended: whoever asks again, after an answer was lost, has what it asked for. */
export async function discard({ caller }: ApiRequest, { fork: text }: ForkArguments): Promise<boolean> {
  // Of one that is being committed it is too late.
  if (caller.client.fork(text)?.isOpen !== true) return false;
  const held = caller.client.take(text);
  if (held === undefined) return false;
  using _ = held.place;
  await held.fork.discard();
  return true;
}

/** A session of the store is of one mode. Errors: E_USAGE, E_LIMIT. */
function modeOf(inputs: readonly AttachInput[]): AttachMode {
  const [first] = inputs;
  if (first === undefined) throw new CachelaneError('E_USAGE', 'there is no volume to attach');
  if (inputs.length > limits.volumesPerRun) {
    throw new CachelaneError(
      'E_LIMIT',
      `there are ${inputs.length} volumes, at most ${limits.volumesPerRun} in one fork`,
    );
  }
  if (inputs.every(({ mode }) => mode === first.mode)) return first.mode;
  throw new CachelaneError('E_USAGE', 'the volumes of one fork are attached in one mode', {
    hint: 'make a fork for each mode',
  });
}

interface Attaching {
  readonly volume: VolumeRequest;
  readonly warnings: readonly string[];
}

async function attaching(
  request: ApiRequest,
  { volume, sharing = null, source: from, mode }: AttachInput,
): Promise<Attaching> {
  const find = mode === 'READ' ? volumeWithId : volumeToSave;
  const subject = await find(request, volume);
  await requireStillDefined(request, volume, subject);
  const source = await sourceIn(request, from);
  const asked = volumeRequest(request, { ...subject, source });
  const isSeeded = source !== null || mayBeSeeded(request.caller, request.caller.project.requestFor(subject).seed);
  const unseeded = isSeeded ? [] : [withoutSeed(asked)];
  return {
    volume: { ...asked, sharing: sharing ?? asked.sharing },
    warnings: [...noteAsked(request, subject, { sharing, owner: null, source }), ...unseeded],
  };
}

/** What the project's file says; what a request says was refused before. */
function withoutSeed({ source }: VolumeRequest): string {
  return `it is not seeded as ${source} says: a confined session seeds no volume from a directory, and from another one only where that was granted`;
}

/** Errors: E_USAGE. */
function requireDistinct(volumes: readonly VolumeRequest[]): void {
  const seen = new Set(
    volumes.map(({ namespace, name, compat }) => JSON.stringify([namespace, name, compatKey(compat)])),
  );
  if (seen.size < volumes.length) throw new CachelaneError('E_USAGE', 'a volume is named twice');
}

/** Errors: E_LIMIT. */
function waitMs(seconds: number | null | undefined): number {
  if (seconds === null || seconds === undefined) return limits.lockWaitMs;
  if (seconds >= 0 && seconds <= 86_400) return seconds * 1000;
  throw new CachelaneError('E_LIMIT', `lockTimeoutSeconds is ${seconds}, and is from 0 to 86400, a day`);
}

function forkedNode({ planned, choice, directory, environment }: ForkedVolume, asked: readonly string[]): object {
  return {
    key: planned.request.name,
    namespace: planned.own.namespace,
    directory,
    environment: Object.entries(environment).map(([name, value]) => ({ name, value })),
    sharing: choice.sharing,
    lane: planned.own.lane,
    warnings: [...planned.warnings, ...asked],
  };
}
