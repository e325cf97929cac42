import {
  asCachelaneError,
  CachelaneError,
  compatKey,
  limits,
  type RunId,
  type SharingMode,
  type VolumeSeed,
} from '@cachelane/core';
import {
  openFork,
  isUnstored,
  provideVolume,
  recallFork,
  shownName,
  toolOf,
  whyNothingSaved,
  type ForkedVolume,
  type GoneVolume,
  type SavedVolume,
  type VolumeRequest,
} from '@cachelane/engine';
import type { AttachMode } from '../values/attach-mode.ts';
import type { AttachedFork } from '../request/clients.ts';
import { formatForkId, parseForkId, type ForkId } from '../values/fork-id.ts';
import { findVolumeRecord } from '../volumes/held.ts';
import { savedNode } from '../nodes/saved-node.ts';
import type { VolumeSubject } from '../volumes/volume-subject.ts';
import type { ApiRequest } from '../request/request.ts';
import { placeOf, volumeToSave, volumeWithId } from '../volumes/find-volume.ts';
import { noteAsked } from '../volumes/note-asked.ts';
import { requireStillDefined } from '../volumes/offered.ts';
import { mayBeSeeded, sourceIn, type SourceInput } from '../volumes/volume-source.ts';
import { withHint } from './in-api-words.ts';
import { keyOfChange } from './repeated.ts';
import { requireStaying } from './require-staying.ts';
import { volumeRequest } from '../volumes/volume-request.ts';

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

const lockHint = 'lockTimeoutSeconds sets how long attach waits';

/** Attaches volumes as one fork. Errors: E_USAGE, E_LIMIT, E_LOCKED, E_NOT_FOUND, and those of a strict run. */
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

/**
 * Commits a fork. Repeating it with the same fork id returns the same result. Errors: E_NOT_FOUND, E_NOT_SAVED,
 * E_LOCKED, and those of a strict save.
 */
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
  // The client that attached the fork gets its result even if a grant was withdrawn since then.
  if (known?.by === client.mark) return (await known.commit).map(savedNode);
  // Another client gets the result only if it may see all volumes of the fork.
  const subjects: VolumeSubject[] = [];
  for (const volume of id.volumes) subjects.push(await volumeWithId(request, volume));
  return (await (known?.commit ?? recall(request, { ...id, exitCode }, subjects))).map(savedNode);
}

/** Errors: E_USAGE. */
function requireExitCode(exitCode: number): void {
  if (exitCode < 0 || exitCode > 255)
    throw new CachelaneError('E_USAGE', `exitCode is ${exitCode}, and must be 0 to 255`);
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

/** Returns the error without `retryable`: a fork that has ended cannot be committed again. */
function overWith(thrown: unknown, run: RunId): CachelaneError {
  const { code, message } = asCachelaneError(thrown);
  return new CachelaneError(code, message, {
    hint: `the fork has ended: call commit again, or read the history of ${run}, to see what was saved`,
    cause: thrown,
  });
}

async function recall(
  request: ApiRequest,
  { session, run, lane, mode, exitCode }: ForkId & { readonly exitCode: number },
  subjects: readonly VolumeSubject[],
): Promise<readonly SavedVolume[]> {
  const { world, signal } = request;
  const volumes: GoneVolume[] = [];
  for (const subject of subjects) {
    volumes.push(await goneVolume(request, subject, { mode, exitCode }));
  }
  return await recallFork(world.deps, { session, run, lane, volumes }, signal);
}

async function goneVolume(
  request: ApiRequest,
  subject: VolumeSubject,
  { mode, exitCode }: Pick<ForkId, 'mode'> & { readonly exitCode: number },
): Promise<GoneVolume> {
  const { world, caller, signal } = request;
  const { context, run } = caller.project;
  const { canWrite, why } = context;
  const tool = toolOf(world.deps.tools, subject);
  const asked = { ...caller.project.requestFor(subject), compat: subject.compat };
  const provided = await provideVolume(world.deps, { context, environment: run.environment }, asked, signal);
  if (isUnstored({ request: provided }))
    return { name: subject.key, id: null, tool, skipped: 'cachelane does not store it', isUnstored: true };
  const policy = provided.commit ?? tool.commitWhen;
  const outcome = { exitCode, interrupted: false };
  const skipped = whyNothingSaved({ mode: modes[mode], readOnly: canWrite ? null : why, policy, outcome });
  const { name: key, compat, namespace } = provided;
  const isAsked = provided.provided === undefined;
  const { record } = isAsked ? subject : await placeOf(request, namespace ?? context.namespace, key);
  const id = (await findVolumeRecord(request, { record, key, compat }))?.id ?? null;
  return { name: subject.key, id, tool, skipped };
}

/** Discards a fork. Returns false if it has already ended, so that a client can retry after a lost answer. */
export async function discard({ caller }: ApiRequest, { fork: text }: ForkArguments): Promise<boolean> {
  // A fork that is being committed cannot be discarded.
  if (caller.client.fork(text)?.isOpen !== true) return false;
  const held = caller.client.take(text);
  if (held === undefined) return false;
  using _ = held.place;
  await held.fork.discard();
  return true;
}

/** Returns the mode that all inputs share: a store session has one mode. Errors: E_USAGE, E_LIMIT. */
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
  throw new CachelaneError('E_USAGE', 'all volumes of a fork need the same mode', {
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
  const said = request.caller.project.requestFor(subject).seed;
  const isSeeded = source !== null || mayBeSeeded(request.caller, said);
  const unseeded = isSeeded || said === null ? [] : [withoutSeed(asked, said)];
  return {
    volume: { ...asked, sharing: sharing ?? asked.sharing },
    warnings: [...noteAsked(request, subject, { sharing, owner: null, source }), ...unseeded],
  };
}

/** Returns the warning about a seed from the project's file. Seeds of a request were checked before. */
function withoutSeed({ source }: VolumeRequest, { kind }: VolumeSeed): string {
  const from = kind === 'directory' ? 'from a directory' : 'from another volume that was not granted to its project';
  return `it is not seeded from ${source}: a confined session cannot seed a volume ${from}`;
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
  throw new CachelaneError('E_LIMIT', `lockTimeoutSeconds is ${seconds}, and must be 0 to 86400 (one day)`);
}

function forkedNode({ planned, choice, directory, environment }: ForkedVolume, asked: readonly string[]): object {
  return {
    key: shownName(planned.request),
    namespace: planned.own.namespace,
    directory,
    environment: Object.entries(environment).map(([name, value]) => ({ name, value })),
    sharing: choice.sharing,
    lane: planned.own.lane,
    warnings: [...planned.warnings, ...asked],
  };
}
