import {
  asCachelaneError,
  CachelaneError,
  isCachelaneError,
  type Conflict,
  limits,
  warningOf,
  type Remote,
  type RemoteId,
  type RemoteKey,
  type RunId,
  type VolumeRecord,
} from '@cachelane/core';
import type { EngineDependencies } from '../../model/engine-dependencies.ts';
import type { RunCommandRequest } from '../../model/run-request.ts';
import { squashesOf } from '../../heads/known-squashes.ts';
import { neverAborted } from '../../base/never-aborted.ts';
import type { PlannedVolume } from '../../model/planned-volume.ts';
import { byteProgress } from '../heads/byte-progress.ts';
import { within } from '../../base/deadline.ts';
import { pushHead } from './push-head.ts';
import { isPending } from '../heads/pending.ts';
import { ensureRemoteId, readRemoteId } from '../heads/remote-heads.ts';
import { troubleWith } from '../heads/remote-trouble.ts';
import { failsWithRemote, namesThere, targetToWrite, whyLocal, type SyncTarget } from '../heads/synced-volumes.ts';

/** The result for one volume's lane in the remote. */
interface PushedVolume {
  readonly layers: number;
  readonly bytes: number;
  readonly state: 'sent' | 'later' | 'none';
  readonly why: string | null;
  readonly conflicts: readonly Conflict[];
}

const nothing = { layers: 0, bytes: 0, conflicts: [] };

export type PushedVolumes = ReadonlyMap<PlannedVolume, PushedVolume>;

type PushRequest = Pick<
  RunCommandRequest,
  'context' | 'mode' | 'purpose' | 'push' | 'remoteWaitMs' | 'strict' | 'signal'
>;

/** A volume as the run had it. */
interface RunVolume {
  readonly planned: PlannedVolume;
  readonly volume: VolumeRecord;
}

export interface PushInput {
  readonly remote: Remote;
  /** The id when the run began. Null: not known. */
  readonly remoteId: RemoteId | null;
  /** Heads that the remote is known not to have. */
  readonly missing: ReadonlySet<RemoteKey>;
  /** The remote was unreachable when the run began. */
  readonly wasGone: boolean;
  readonly volumes: readonly RunVolume[];
  readonly run: RunId;
}

/**
 * Pushes the lanes that the run wrote, with what earlier runs left. Makes no request if nothing is pending. What cannot be sent stays here
 * for a later run, with a warning. With `strict`, throws errors of the remote.
 */
export async function pushVolumes(
  deps: EngineDependencies,
  request: PushRequest,
  input: PushInput,
): Promise<PushedVolumes> {
  const pushed = new Map<PlannedVolume, PushedVolume>();
  const sendable: Sendable[] = [];
  const sending: Sending = { ...input, sendable, pushed };
  try {
    const names = await namesThere(deps.metadata, neverAborted);
    for (const { planned, volume } of input.volumes) {
      const target = request.mode === 'read' ? null : targetToWrite(request.context, planned, names);
      if (target !== null && (await hasNews(deps, { target, volume }, input))) sendable.push({ target, volume });
      else pushed.set(planned, { ...nothing, state: 'none', why: whyLocal(planned) });
    }
    if (sendable.length === 0) return pushed;
    if (request.push === 'wait') await sendNow(deps, request, sending);
    else if (request.push === 'never') setLater(sending, 'push never');
    else await leaveToOther(deps, request, sending);
  } catch (thrown) {
    const error = asCachelaneError(thrown);
    setLater(sending, error.message);
    if (failsWithRemote(request) && !request.signal.aborted) throw thrown;
    deps.events(troubleWith(input.remote, error, 'kept here; the next run sends it'));
  }
  return pushed;
}

/** Whether there may be something to send, by local records. */
async function hasNews(
  { metadata, clock }: EngineDependencies,
  { target, volume }: Sendable,
  { remoteId: remote, missing }: PushInput,
): Promise<boolean> {
  const { lane } = target.name;
  const { id: volumeId } = volume;
  const head = await metadata.head(volumeId, lane, neverAborted);
  const squashes = await squashesOf(metadata, { volumeId, lane }, neverAborted);
  if (remote === null) return isPending({ head, synced: undefined, squashes });
  const synced = await metadata.syncedHead(remote, volumeId, lane, neverAborted);
  if (synced === undefined || synced.layers.length === 0 || !missing.has(target.key))
    return isPending({ head, synced, squashes });
  // An older push arrived, and its layers are still there. Record that, so that a later push sends them too.
  const record = { remote, volumeId, lane, layers: [], expectedRevision: synced.revision, atMs: clock.nowMs() };
  await metadata.recordSynced(record, neverAborted);
  return isPending({ head, synced: undefined, squashes });
}

async function sendNow(deps: EngineDependencies, request: PushRequest, sending: Sending): Promise<void> {
  const { clock } = deps;
  const endMs = clock.monotonicMs() + request.remoteWaitMs;
  const remoteId = await ensureSame(deps, request, sending);
  const limitMs = Math.max(0, endMs - clock.monotonicMs());
  const limit = { clock, limitMs, late: `${sending.remote.name} did not take everything` };
  await within(limit, request.signal, async (stop) => await send(deps, remoteId, sending, stop));
}

/**
 * Records that the lane belongs to this remote, and leaves the push to a background process. That process sends only such lanes. Creates
 * the remote's id if needed.
 */
async function leaveToOther(deps: EngineDependencies, request: PushRequest, sending: Sending): Promise<void> {
  const { metadata, clock } = deps;
  if (sending.wasGone) {
    setLater(sending, 'the remote was unreachable');
    return;
  }
  const remote = sending.remoteId ?? (await ensureSame(deps, request, sending));
  for (const { target, volume } of sending.sendable) {
    const lane = { volumeId: volume.id, lane: target.name.lane };
    if ((await metadata.syncedHead(remote, lane.volumeId, lane.lane, neverAborted)) !== undefined) continue;
    // Another process that was faster has recorded at least as much.
    const record = { ...lane, remote, layers: [], expectedRevision: 0, atMs: clock.nowMs() };
    await metadata.recordSynced(record, neverAborted);
  }
  setLater(sending, 'sent in the background');
}

/**
 * Asks the remote for its id again before sending. This finds an unreachable remote early, and an address that now points elsewhere, such
 * as an empty mount point.
 */
async function ensureSame(deps: EngineDependencies, request: PushRequest, sending: Sending): Promise<RemoteId> {
  const found = await askForId(deps, request, sending);
  if (found !== null) return found;
  throw new CachelaneError('E_REMOTE_GONE', `${sending.remote.name} is empty now, and was not when the run began`, {
    hint: 'check whether it was unmounted or emptied',
  });
}

/** Returns null if the remote has no id any more. */
async function askForId(
  { clock, random }: EngineDependencies,
  { remoteWaitMs, signal }: PushRequest,
  { remote, remoteId, wasGone }: Sending,
): Promise<RemoteId | null> {
  const answerMs = wasGone ? limits.remoteAgainMs : limits.remoteAnswerMs;
  const deadline = { clock, limitMs: Math.min(answerMs, remoteWaitMs), late: `${remote.name} did not answer` };
  return await within(deadline, signal, async (stop) =>
    remoteId === null ? await ensureRemoteId(remote, random, stop) : await readRemoteId(remote, stop),
  );
}

function setLater({ sendable, pushed }: Sending, why: string): void {
  for (const { target } of sendable) {
    if (!pushed.has(target.planned)) pushed.set(target.planned, { ...nothing, state: 'later', why });
  }
}

interface Sendable {
  readonly target: SyncTarget;
  readonly volume: VolumeRecord;
}

interface Sending extends PushInput {
  readonly sendable: readonly Sendable[];
  readonly pushed: Map<PlannedVolume, PushedVolume>;
}

async function send(
  deps: EngineDependencies,
  remoteId: RemoteId,
  { remote, sendable, pushed, run }: Sending,
  signal: AbortSignal,
): Promise<void> {
  for (const { target, volume } of sendable) {
    const { planned, name } = target;
    const onBytes = byteProgress(deps, { activity: 'pushing', volume: planned.request.name, total: null });
    const place = { remoteId, volumeId: volume.id, namespaceId: volume.namespaceId, name };
    try {
      const done = await pushHead({ ...deps, remote }, { place, tool: planned.tool.name, run, onBytes }, signal);
      pushed.set(planned, { ...done, state: 'sent', why: null });
    } catch (thrown) {
      if (!mayOthersBeSent(thrown)) throw thrown;
      const error = asCachelaneError(thrown);
      pushed.set(planned, { ...nothing, state: 'later', why: error.message });
      deps.events(warningOf(error, `${planned.request.name} was not sent to ${remote.name}: ${error.message}`));
    }
  }
}

/** Whether other heads may still be sent after this error. */
export function mayOthersBeSent(error: unknown): boolean {
  return isCachelaneError(error, 'E_HEAD_MOVED', 'E_LIMIT', 'E_NOT_FOUND', 'E_OBJECT_CORRUPT', 'E_VOLUME');
}
