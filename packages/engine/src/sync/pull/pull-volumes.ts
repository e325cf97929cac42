import {
  asCachelaneError,
  CachelaneError,
  headKey,
  isCachelaneError,
  limits,
  type HeadManifest,
  type LayerId,
  type ManifestLayer,
  type OpenedSession,
  type Remote,
  type RemoteId,
  type RemoteKey,
  type RunId,
  type VolumeId,
} from '@cachelane/core';
import { backOff } from '../../base/back-off.ts';
import type { EngineDependencies } from '../../model/engine-dependencies.ts';
import type { RunCommandRequest } from '../../model/run-request.ts';
import { neverAborted } from '../../base/never-aborted.ts';
import { openSession } from '../../sessions/open-session.ts';
import { closeSession } from '../../leases/close-session.ts';
import { newIds } from '../../model/session-input.ts';
import type { PlannedVolume } from '../../model/planned-volume.ts';
import {
  adopt,
  compareHeads,
  everyLayerOf,
  notedRevisions,
  replacedHere,
  revisionOf,
  tellGaveWay,
  type NotedRevisions,
  type SyncedPlace,
} from '../heads/compare-heads.ts';
import { byteProgress } from '../heads/byte-progress.ts';
import { heedRevocations, noteRevocations, type Heeding } from '../revocations/heed-revocations.ts';
import { makeSquash, planSquash, wireBytes, type SquashPlan } from '../layers/make-squash.ts';
import { within } from '../../base/deadline.ts';
import { inParallel } from '../../base/in-parallel.ts';
import { isAboutLayer, pullLayer } from '../layers/pull-layer.ts';
import { noteUses, type ReadTarget } from './note-uses.ts';
import { readHeads, type FoundHeads } from './read-heads.ts';
import { readHead, type FoundHead } from '../heads/remote-heads.ts';
import { troubleWith } from '../heads/remote-trouble.ts';
import { failsWithRemote, namesThere, targetsToRead } from '../heads/synced-volumes.ts';

/** What was pulled for one volume, over all lanes that it reads. */
interface PulledVolume {
  layers: number;
  bytes: number;
}

export interface Pulled {
  /** Null: the remote was not asked, did not answer, or has no id yet. */
  readonly remoteId: RemoteId | null;
  /** Heads that the remote does not have. */
  readonly missing: ReadonlySet<RemoteKey>;
  /** The remote could not be reached. */
  readonly isGone: boolean;
  readonly volumes: ReadonlyMap<PlannedVolume, PulledVolume>;
}

type PullRequest = Pick<
  RunCommandRequest,
  | 'context'
  | 'push'
  | 'mode'
  | 'purpose'
  | 'directory'
  | 'revision'
  | 'workflow'
  | 'lockWaitMs'
  | 'strict'
  | 'remoteWaitMs'
  | 'signal'
>;

export interface PullInput {
  readonly remote: Remote;
  readonly planned: readonly PlannedVolume[];
  readonly run: RunId;
}

/**
 * Pulls the lanes that the volumes read, as far as the remote answers and its layers are sound. Missing parts give a warning and count as
 * misses. With `strict`, throws errors of the remote.
 */
export async function pullVolumes(deps: EngineDependencies, request: PullRequest, input: PullInput): Promise<Pulled> {
  const volumes = new Map(input.planned.map((volume) => [volume, { layers: 0, bytes: 0 }]));
  let remoteId: RemoteId | null = null;
  let missing: ReadonlySet<RemoteKey> = new Set();
  let isGone = false;
  if (request.mode === 'write-only') return { remoteId, missing, isGone, volumes };
  const endMs = deps.clock.monotonicMs() + request.remoteWaitMs;
  try {
    const targets = targetsToRead(input.planned, await namesThere(deps.metadata, request.signal));
    if (targets.length === 0) return { remoteId, missing, isGone, volumes };
    const noted = await notedRevisions(deps.metadata, request.signal);
    const found = await readHeads(deps, request, { remote: input.remote, targets });
    remoteId = found?.remoteId ?? null;
    missing = found?.missing ?? missing;
    if (found !== null && found.heads.length > 0)
      await pullHeads(deps, request, { ...input, ...found, noted, pulled: volumes, endMs });
    if (found !== null) await noteUses(deps, request, { remote: input.remote, heads: found.heads });
  } catch (thrown) {
    if (failsWithRemote(request) || request.signal.aborted) throw thrown;
    isGone = isCachelaneError(thrown, 'E_REMOTE_GONE');
    deps.events(troubleWith(input.remote, thrown, 'the run continues with local contents'));
  }
  return { remoteId, missing, isGone, volumes };
}

interface Pull extends PullInput, FoundHeads {
  /** Read before the heads. */
  readonly noted: NotedRevisions;
  readonly pulled: ReadonlyMap<PlannedVolume, PulledVolume>;
  /** The deadline on the monotonic clock. */
  readonly endMs: number;
}

/** Pulls in its own session, whose pins protect the layers until heads refer to them. */
async function pullHeads(deps: EngineDependencies, request: PullRequest, pull: Pull): Promise<void> {
  const { sessionId } = newIds(deps);
  await using _lease = await deps.leases.acquire(sessionId, request.signal);
  const quiet: EngineDependencies = {
    ...deps,
    events: (event) => event.type !== 'session-opened' && deps.events(event),
  };
  const volumes = pull.heads.map(({ target: { planned, link } }) => ({
    ...planned,
    // Nothing is attached, so no lock is needed.
    request: { ...planned.request, sharing: null },
    own: link,
    chain: [link],
  }));
  const opened = await openSession(quiet, request, volumes, { sessionId, run: pull.run, attaches: false });
  try {
    await new HeadPull(deps, request, { ...pull, sessionId, opened }).all();
  } finally {
    await closeSession(deps, sessionId);
  }
}

interface Session extends Pull {
  readonly sessionId: ReturnType<typeof newIds>['sessionId'];
  readonly opened: OpenedSession;
}

interface WantedLayer {
  readonly layer: ManifestLayer;
  /** How to make the layer here; null to download it. */
  readonly squash: SquashPlan | null;
  readonly volumeId: VolumeId;
  readonly planned: PlannedVolume;
}

const noProgress = (): void => undefined;

/** Pulls several heads, which share layers, connections and a deadline. */
class HeadPull {
  readonly #deps: EngineDependencies;
  readonly #request: PullRequest;
  readonly #session: Session;
  /** Layers that are here but were not part of the head, with their sizes. */
  readonly #had = new Map<LayerId, number>();
  /** Layers that the local heads of this pull name. A reader of one of them has all of it. */
  readonly #named = new Set<LayerId>();

  constructor(deps: EngineDependencies, request: PullRequest, session: Session) {
    this.#deps = deps;
    this.#request = request;
    this.#session = session;
  }

  async all(): Promise<void> {
    const { clock, metadata } = this.#deps;
    const { remote, sessionId, endMs } = this.#session;
    const { signal } = this.#request;
    const wanted = await this.#wanted();
    if (wanted.length > 0) {
      const pins = wanted.flatMap(({ layer, squash }) => [layer, ...(squash?.missing ?? [])]).map(({ id }) => id);
      await metadata.updateSession(sessionId, { pins }, signal);
    }
    let failure: { readonly error: unknown } | undefined;
    try {
      const late = `${remote.name} did not send all layers`;
      const limitMs = Math.max(0, endMs - clock.monotonicMs());
      await within({ clock, limitMs, late }, signal, async (stop) => await this.#pull(wanted, stop));
    } catch (error) {
      if (signal.aborted) throw error;
      failure = { error };
    }
    // Use what has arrived, even after a failure.
    for (const [index, head] of this.#session.heads.entries()) await this.#adopt(head, this.#placeOf(head, index));
    if (failure !== undefined) throw failure.error;
  }

  #placeOf({ target }: ReadTarget, index: number): SyncedPlace {
    const volume = this.#session.opened.volumes[index]?.volume;
    if (volume === undefined) throw new CachelaneError('E_INTERNAL', 'a session has fewer volumes than it opened');
    const { id: volumeId, namespaceId } = volume;
    return { remoteId: this.#session.remoteId, volumeId, namespaceId, name: target.name };
  }

  /** Orders layers by value: nearest lanes first, newest layers first. */
  async #wanted(): Promise<readonly WantedLayer[]> {
    const { metadata } = this.#deps;
    const { signal } = this.#request;
    const wanted = new Map<LayerId, WantedLayer>();
    for (const [index, head] of this.#session.heads.entries()) {
      const { manifest } = head.found;
      const place = this.#placeOf(head, index);
      const nowMs = this.#deps.clock.nowMs();
      const { head: local, merged, squashes } = await compareHeads(metadata, { place, manifest, nowMs }, signal);
      const here = new Set(local?.layers);
      for (const id of [...here, ...squashes.inside(here)]) this.#named.add(id);
      const byId = new Map(everyLayerOf(manifest).map((layer) => [layer.id, layer]));
      for (const id of merged) {
        const layer = byId.get(id);
        if (layer === undefined || here.has(id) || wanted.has(id)) continue;
        const squash = planSquash(squashes, { layer, local: local?.layers ?? [], there: byId });
        wanted.set(id, { layer, squash, volumeId: place.volumeId, planned: head.target.planned });
      }
    }
    return [...wanted.values()];
  }

  async #pull(wanted: readonly WantedLayer[], signal: AbortSignal): Promise<void> {
    const progress = new Map(this.#session.planned.map((planned) => [planned, this.#progressOf(planned, wanted)]));
    await inParallel(wanted, limits.parallelLayers, async (each) => {
      try {
        await this.#pullOne(each, progress.get(each.planned) ?? noProgress, signal);
      } catch (thrown) {
        if (!isAboutLayer(thrown)) throw thrown;
        this.#leaveOut(each, asCachelaneError(thrown));
      }
    });
  }

  #progressOf(planned: PlannedVolume, wanted: readonly WantedLayer[]): (count: number) => void {
    const own = wanted.filter((each) => each.planned === planned);
    const total = own
      .flatMap(({ layer, squash }) => squash?.missing ?? [layer])
      .reduce((sum, layer) => sum + wireBytes(layer), 0);
    return byteProgress(this.#deps, { activity: 'pulling', volume: planned.request.name, total });
  }

  async #pullOne(wanted: WantedLayer, progress: (count: number) => void, signal: AbortSignal): Promise<void> {
    const { layer, squash, planned } = wanted;
    if (squash !== null) {
      await inParallel(squash.missing, limits.parallelLayers, async (part) => {
        await this.#pullPlain({ ...wanted, layer: part }, progress, signal);
      });
      const made = await makeSquash(this.#deps, { squash, tool: planned.tool }, signal);
      if (made !== null) return void this.#had.set(layer.id, made.sizeBytes);
    }
    await this.#pullPlain(wanted, progress, signal);
  }

  async #pullPlain(
    { layer, volumeId, planned }: Omit<WantedLayer, 'squash'>,
    progress: (count: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { layers } = this.#deps;
    const pulled = this.#session.pulled.get(planned) ?? { layers: 0, bytes: 0 };
    // It belongs to another head, or to a removed one, so it may be damaged.
    if (
      (await this.#mayKnow(layer.id, volumeId)) &&
      (await layers.has(layer.id, signal)) &&
      (await layers.verify(layer.id, signal)).ok
    ) {
      this.#had.set(layer.id, layer.counts.sizeBytes);
      return;
    }
    const onBytes = (count: number): void => {
      pulled.bytes += count;
      progress(count);
    };
    const deps = { ...this.#deps, remote: this.#session.remote };
    const staged = await pullLayer(deps, { layer, tool: planned.tool, onBytes }, signal);
    this.#had.set(layer.id, staged.sizeBytes);
    pulled.layers += 1;
  }

  /** Whether this volume may use a local layer. Otherwise a manifest that merely names another volume's layer would give access to it. */
  async #mayKnow(id: LayerId, volumeId: VolumeId): Promise<boolean> {
    const record = await this.#deps.metadata.layer(id, this.#request.signal);
    return record === undefined || record.volumeId === volumeId || this.#named.has(id);
  }

  #leaveOut({ layer, planned }: WantedLayer, error: CachelaneError): void {
    const message = `layer ${layer.id.slice(0, 12)} of ${planned.request.name} (saved by ${layer.run}) in ${this.#session.remote.name} is left out: ${error.message}`;
    this.#deps.events({
      type: 'warning',
      code: error.code,
      message,
      hint: 'this run makes its contents again; run cachelane verify remote to list the damage',
    });
  }

  async #adopt({ target, found }: ReadTarget, place: SyncedPlace): Promise<void> {
    const { metadata, layers, clock, bootId } = this.#deps;
    let { manifest } = found;
    let revision = this.#session.noted(place);
    for (let attempt = 0; attempt < limits.commitAttempts; attempt++) {
      const comparison = await compareHeads(metadata, { place, manifest, nowMs: clock.nowMs() }, neverAborted);
      if (revisionOf(comparison) !== revision) {
        revision = revisionOf(comparison);
        manifest = await this.#readAgain(place);
        continue;
      }
      const replaced = await replacedHere({ metadata, layers }, { comparison, manifest }, neverAborted);
      await noteRevocations(metadata, { place, manifest }, neverAborted);
      const isDone = await adopt(
        metadata,
        place,
        {
          comparison,
          manifest,
          has: (id) => this.#had.has(id) || replaced.has(id),
          sizeBytes: (id) => this.#had.get(id) ?? 0,
          run: this.#session.run,
          bootId,
          atMs: clock.nowMs(),
        },
        neverAborted,
      );
      if (isDone) {
        tellGaveWay(this.#deps.events, place, comparison);
        await this.#heed({ place, tool: target.planned.tool.name, by: this.#session.run, manifest });
        return;
      }
      await backOff(this.#deps, attempt, neverAborted);
    }
    throw new CachelaneError('E_HEAD_MOVED', `the head moved ${limits.commitAttempts} times during the pull`, {
      retryable: true,
    });
  }

  /** Applies revocations, also those from other lanes. If the remote does not answer, more layers are left out. */
  async #heed(heeding: Heeding): Promise<void> {
    const { remote } = this.#session;
    const deps = { ...this.#deps, remote };
    try {
      await within(this.#answer(), this.#request.signal, async (stop) => await heedRevocations(deps, heeding, stop));
    } catch (error) {
      if (this.#request.signal.aborted) throw error;
      deps.events(troubleWith(remote, error, 'the run continues without layers that contain changes of revoked runs'));
      await heedRevocations({ ...deps, remote: null }, heeding, neverAborted);
    }
  }

  /** Reads the manifest again after another process here synced the head: its layers would look removed in the older one. */
  async #readAgain({ name }: SyncedPlace): Promise<HeadManifest | null> {
    const { remote } = this.#session;
    const read = async (stop: AbortSignal): Promise<FoundHead> => await readHead(remote, headKey(name), name, stop);
    return (await within(this.#answer(), this.#request.signal, read)).manifest;
  }

  #answer(): Parameters<typeof within>[0] {
    const { remote } = this.#session;
    return { clock: this.#deps.clock, limitMs: limits.remoteAnswerMs, late: `${remote.name} did not answer` };
  }
}
