import { CachelaneError, compatKey, limits, type SharingMode } from '@cachelane/core';
import { openFork, type Fork, type ForkedVolume, type VolumeRequest } from '@cachelane/engine';
import type { ApiRequest } from '../request.ts';
import { volumeToChange, volumeWithId } from '../root/find-volume.ts';
import { noteAsked } from '../root/note-asked.ts';
import { mayBeSeeded, sourceIn, type SourceInput } from '../root/volume-source.ts';
import { savedNode } from '../nodes/saved-node.ts';
import { volumeRequest } from './volume-request.ts';

type AttachMode = 'READ' | 'WRITE' | 'WRITE_ONLY';

interface AttachInput {
  readonly volume: string;
  readonly sharing?: SharingMode | null;
  readonly source?: SourceInput | null;
  readonly mode: AttachMode;
}

export interface AttachArguments {
  readonly volumes: readonly AttachInput[];
  readonly lockTimeoutSeconds?: number | null;
}

const modes = { READ: 'read', WRITE: 'write', WRITE_ONLY: 'write-only' } as const;

/** Errors: E_USAGE, E_LIMIT, E_LOCKED, E_NOT_FOUND, and those of a strict run. */
export async function attach(request: ApiRequest, args: AttachArguments): Promise<object> {
  const { world, caller, signal } = request;
  const { project, client } = caller;
  const mode = modeOf(args.volumes);
  const asked: Attaching[] = [];
  for (const input of args.volumes) asked.push(await attaching(request, input));
  const volumes = asked.map((each) => each.volume);
  requireDistinct(volumes);
  const lockWaitMs = waitMs(args.lockTimeoutSeconds);
  const deps = { ...world.deps, events: client.events };
  const { context, run } = project;
  const open = async (): Promise<Fork> =>
    await openFork(deps, { ...run, context, volumes, mode: modes[mode], lockWaitMs, signal });
  const fork = await client.keep(open, signal);
  return forkNode(
    fork,
    asked.map(({ warnings }) => warnings),
  );
}

/** Errors: E_NOT_FOUND, and those of a strict save. */
export async function commit(
  { caller }: ApiRequest,
  { fork: id }: { readonly fork: string },
): Promise<readonly object[]> {
  const held = caller.client.take(id);
  if (held !== undefined) {
    using _ = held.place;
    return (await held.fork.commit()).map(savedNode);
  }
  throw new CachelaneError(
    'E_NOT_FOUND',
    'this session has no such fork: it has ended, or the engine was started anew meanwhile',
    {
      hint: 'what was saved is in the history of the volume, with the run that the fork named',
    },
  );
}

export async function discard({ caller }: ApiRequest, { fork: id }: { readonly fork: string }): Promise<boolean> {
  const held = caller.client.take(id);
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
  const find = mode === 'READ' ? volumeWithId : volumeToChange;
  const subject = await find(request, volume);
  const source = await sourceIn(request, from);
  const asked = volumeRequest(request, { ...subject, source });
  const unseeded = mayBeSeeded(request, asked.seed) ? [] : [withoutSeed(asked)];
  return {
    volume: {
      ...asked,
      sharing: sharing ?? asked.sharing,
      seed: unseeded.length === 0 ? asked.seed : null,
    },
    warnings: [...noteAsked(request, subject, { sharing, owner: null, source }), ...unseeded],
  };
}

/** What the project's file says; what a request says was refused before. */
function withoutSeed({ source }: VolumeRequest): string {
  return `it is not seeded as ${source} says: a confined session seeds no volume from a directory`;
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
  throw new CachelaneError('E_LIMIT', `lockTimeoutSeconds is ${seconds}, and at most a day`);
}

/** `warnings`: of each volume. */
function forkNode(fork: Fork, warnings: readonly (readonly string[])[]): object {
  const volumes = fork.volumes.map((volume, index) => ({ ...forkedNode(volume), warnings: warnings[index] ?? [] }));
  return { id: fork.sessionId, run: fork.run, volumes };
}

function forkedNode({ planned, choice, directory, environment }: ForkedVolume): object {
  return {
    key: planned.request.name,
    namespace: planned.own.namespace,
    directory,
    environment: Object.entries(environment).map(([name, value]) => ({ name, value })),
    sharing: choice.sharing,
    lane: planned.own.lane,
  };
}
