import { CachelaneError, compatKey, limits, type SharingMode } from '@cachelane/core';
import { openFork, type Fork, type ForkedVolume, type VolumeRequest } from '@cachelane/engine';
import type { ApiRequest } from '../request.ts';
import { volumeToChange, volumeWithId } from '../root/find-volume.ts';
import { savedNode } from '../nodes/saved-node.ts';
import { volumeRequest } from './volume-request.ts';

type AttachMode = 'READ' | 'WRITE' | 'WRITE_ONLY';

interface AttachInput {
  readonly volume: string;
  readonly sharing?: SharingMode | null;
  readonly mode: AttachMode;
}

export interface AttachArguments {
  readonly volumes: readonly AttachInput[];
  readonly lockTimeoutSeconds?: number | null;
}

const modes = { READ: 'read', WRITE: 'write', WRITE_ONLY: 'write-only' } as const;

/** Errors: E_USAGE, E_LIMIT, E_LOCKED, and those of a strict run. */
export async function attach(request: ApiRequest, args: AttachArguments): Promise<object> {
  const { world, caller, signal } = request;
  const { project, client } = caller;
  const mode = modeOf(args.volumes);
  const volumes: VolumeRequest[] = [];
  for (const input of args.volumes) volumes.push(await requestOf(request, input));
  requireDistinct(volumes);
  const lockWaitMs = waitMs(args.lockTimeoutSeconds);
  const deps = { ...world.deps, events: client.events };
  const { context, run } = project;
  const open = async (): Promise<Fork> =>
    await openFork(deps, { ...run, context, volumes, mode: modes[mode], lockWaitMs, signal });
  return forkNode(await client.keep(open, signal));
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

async function requestOf(request: ApiRequest, { volume, sharing, mode }: AttachInput): Promise<VolumeRequest> {
  const find = mode === 'READ' ? volumeWithId : volumeToChange;
  const asked = volumeRequest(request, await find(request, volume));
  return { ...asked, sharing: sharing ?? asked.sharing };
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

function forkNode(fork: Fork): object {
  return { id: fork.sessionId, run: fork.run, volumes: fork.volumes.map(forkedNode) };
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
