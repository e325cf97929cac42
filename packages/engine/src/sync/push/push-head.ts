import {
  asCachelaneError,
  CachelaneError,
  displayPath,
  encodeManifest,
  headKey,
  limits,
  newAttempt,
  type Clock,
  type Conflict,
  type EventSink,
  type HeadManifest,
  type HeadVersion,
  type LayerId,
  type ManifestLayer,
  type ManifestRun,
  type Random,
  type RemoteKey,
  type Revocation,
  type RunId,
  type Squashes,
  type SquashRecord,
  type Tool,
} from '@cachelane/core';
import { backOff } from '../../base/back-off.ts';
import { neverAborted } from '../../base/never-aborted.ts';
import { isDamage } from '../../base/is-damage.ts';
import { loseLayers } from '../../heads/damaged-layers.ts';
import {
  adopt,
  compareHeads,
  everyLayerOf,
  isSame,
  layersOf,
  replacedHere,
  revisionOf,
  tellGaveWay,
  type Comparison,
  type SyncedPlace,
} from '../heads/compare-heads.ts';
import { readCollection, stillCollection } from '../heads/collection-guard.ts';
import { foreignConflicts } from './foreign-conflicts.ts';
import { heedRevocations, latestFirst, noteRevocations, revocationsOf } from '../revocations/heed-revocations.ts';
import { inParallel } from '../../base/in-parallel.ts';
import { linkOut } from '../heads/link-out.ts';
import { pushLayer, type LayerToPush, type PushDependencies } from '../layers/push-layer.ts';
import { readHead, requireSameTool, toFound, type FoundHead } from '../heads/remote-heads.ts';

export interface HeadPushDependencies extends PushDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly bootId: string;
  readonly events: EventSink;
  readonly tools: readonly Tool[];
}

export interface HeadPush {
  readonly place: SyncedPlace;
  readonly tool: string;
  /** The run that moves the local head if others removed layers. */
  readonly run: RunId;
  readonly onBytes: (count: number) => void;
}

export interface PushedHead {
  readonly layers: number;
  readonly bytes: number;
  /** Layers that the remote's head no longer names. */
  readonly removed: number;
  /** Conflicts with layers that other machines sent. */
  readonly conflicts: readonly Conflict[];
}

/**
 * Uploads missing layers, then moves the remote head by compare-and-swap, with retries. It keeps what other clients sent. A head only names
 * uploaded layers, so an interrupted push can continue later. Errors: those of the remote; E_HEAD_MOVED, E_LIMIT.
 */
export async function pushHead(deps: HeadPushDependencies, push: HeadPush, signal: AbortSignal): Promise<PushedHead> {
  return await new Push(deps, push, signal).run();
}

class Push {
  readonly #deps: HeadPushDependencies;
  readonly #push: HeadPush;
  readonly #signal: AbortSignal;
  /** Layers that this push uploaded. */
  readonly #sent = new Map<LayerId, { readonly layer: ManifestLayer; readonly runs: readonly ManifestRun[] }>();
  readonly #removed = new Set<LayerId>();
  /** Layers that other machines would refuse, and layers that turned out to be missing. */
  readonly #kept = new Set<LayerId>();
  /** The collection state during the uploads. If it changes, the uploads do not count. */
  #under: HeadVersion | null | undefined;
  #bytes = 0;

  constructor(deps: HeadPushDependencies, push: HeadPush, signal: AbortSignal) {
    this.#deps = deps;
    this.#push = push;
    this.#signal = signal;
  }

  async run(): Promise<PushedHead> {
    const { remote, metadata } = this.#deps;
    const { place } = this.#push;
    const read = async (): Promise<FoundHead> => await readHead(remote, headKey(place.name), place.name, this.#signal);
    const { remoteId, volumeId, name } = place;
    let revision = revisionOf({ synced: await metadata.syncedHead(remoteId, volumeId, name.lane, this.#signal) });
    let found = await read();
    for (let attempt = 0; attempt < limits.commitAttempts; attempt++) {
      if (found.manifest !== null) requireSameTool(found.manifest, this.#push.tool);
      const { manifest } = found;
      await noteRevocations(metadata, { place, manifest }, this.#signal);
      await heedRevocations(this.#deps, { place, tool: this.#push.tool, by: this.#push.run, manifest }, this.#signal);
      const nowMs = this.#deps.clock.nowMs();
      const comparison = await compareHeads(metadata, { place, manifest: found.manifest, nowMs }, this.#signal);
      if (revisionOf(comparison) !== revision) {
        revision = revisionOf(comparison);
        found = await read();
        continue;
      }
      const merged = this.#sendable(comparison, found.manifest);
      if (isSame(merged, layersOf(found.manifest))) {
        if (await this.#settle(comparison, found.manifest)) {
          tellGaveWay(this.#deps.events, place, comparison);
          const conflicts = await this.#conflicts(comparison, found.manifest);
          return { layers: this.#sent.size, bytes: this.#bytes, removed: this.#removed.size, conflicts };
        }
      } else {
        const content = { merged, replaced: squashesToName(comparison.squashes, { merged, nowMs }) };
        if (await this.#send(content, found.manifest)) {
          const revoked = await revocationsOf(metadata, { place, manifest: found.manifest }, this.#signal);
          found = await this.#swap({ ...content, revoked }, found);
        }
      }
      await backOff(this.#deps, attempt, this.#signal);
    }
    throw new CachelaneError('E_HEAD_MOVED', `the head moved ${limits.commitAttempts} times during the push`, {
      hint: 'try again, or leave it to the next run',
      retryable: true,
    });
  }

  /** Returns the merged layers, without those that must stay on this machine. */
  #sendable({ layers, squashes, head }: Comparison, manifest: HeadManifest | null): readonly LayerId[] {
    const isSendable = (id: LayerId): boolean => !this.#kept.has(id);
    return squashes.contract(layers.filter(isSendable), [...layersOf(manifest), ...(head?.layers ?? [])], isSendable);
  }

  /** Everything is sent already, so an error here must not fail the push. */
  async #conflicts({ head, squashes }: Comparison, manifest: HeadManifest | null): Promise<readonly Conflict[]> {
    const here = new Set(squashes.expand(head?.layers ?? []));
    const there = new Map(everyLayerOf(manifest).map((layer) => [layer.id, layer]));
    const theirs = squashes.expand(layersOf(manifest)).flatMap((id) => (here.has(id) ? [] : (there.get(id) ?? [])));
    const mine = [...this.#sent.keys()].filter((id) => here.has(id));
    try {
      return await foreignConflicts(this.#deps, { mine, theirs }, this.#signal);
    } catch {
      return [];
    }
  }

  /** Applies removals of other machines here. Their additions come with the next pull. */
  async #settle(comparison: Comparison, manifest: HeadManifest | null): Promise<boolean> {
    const { metadata, layers, bootId, clock } = this.#deps;
    const { place, run } = this.#push;
    const replaced = await replacedHere({ metadata, layers }, { comparison, manifest }, neverAborted);
    const has = (id: LayerId): boolean => replaced.has(id);
    const rest = { has, sizeBytes: () => 0, run, bootId, atMs: clock.nowMs() };
    return await adopt(metadata, place, { comparison, manifest, ...rest }, neverAborted);
  }

  /**
   * Uploads the missing layers. Returns false if the heads must be compared again: a layer stays here, a damaged layer left the head, or a
   * collection came between.
   */
  async #send(
    { merged, replaced }: Pick<HeadContent, 'merged' | 'replaced'>,
    manifest: HeadManifest | null,
  ): Promise<boolean> {
    // Includes what squashes there replaced: the squash takes its place.
    const there = new Set(everyLayerOf(manifest).map(({ id }) => id));
    const parts = new Set(replaced.flatMap(({ layers }) => layers));
    if ([...merged, ...parts].every((id) => there.has(id))) return true;
    const { collection, version } = await stillCollection(this.#deps, this.#signal);
    if (version !== this.#under) this.#sent.clear();
    this.#under = version;
    const marked = new Set(collection?.keys);
    const isMissing = (id: LayerId): boolean => !there.has(id) && !this.#sent.has(id);
    if (!(await this.#sendNamed(merged.filter(isMissing), marked))) return false;
    await this.#sendReplaced([...parts].filter(isMissing), marked);
    return (await readCollection(this.#deps.remote, this.#signal)).version === version;
  }

  async #sendNamed(missing: readonly LayerId[], marked: ReadonlySet<RemoteKey>): Promise<boolean> {
    if (await this.#keep(missing)) return false;
    const damaged: LayerId[] = [];
    // Lowest first: they have waited longest.
    await inParallel(missing.toReversed(), limits.parallelLayers, async (id) => {
      try {
        await this.#sendOne({ id, marked });
      } catch (thrown) {
        if (!isDamage(thrown)) throw thrown;
        const { message } = asCachelaneError(thrown);
        this.#warnOf(id, message);
        damaged.push(id);
      }
    });
    if (damaged.length > 0) {
      const { place, run } = this.#push;
      const { volumeId, name } = place;
      for (const id of damaged) this.#kept.add(id);
      await loseLayers(this.#deps, { volumeId, lane: name.lane, bad: new Set(damaged), run }, neverAborted);
    }
    return damaged.length === 0;
  }

  async #sendOne(wanted: LayerToPush): Promise<void> {
    const { onBytes } = this.#push;
    const { layer, runs, bytes } = await pushLayer(this.#deps, { ...wanted, onBytes }, this.#signal);
    this.#sent.set(wanted.id, { layer, runs });
    this.#bytes += bytes;
  }

  /**
   * Uploads what squashes replaced, so that other machines can remove a run from them. A squash whose parts cannot be sent becomes an
   * ordinary layer in the remote.
   */
  async #sendReplaced(missing: readonly LayerId[], marked: ReadonlySet<RemoteKey>): Promise<void> {
    await inParallel(missing, limits.parallelLayers, async (id) => {
      if (this.#kept.has(id) || (await linkOut(this.#deps.layers, id, this.#signal)) !== null) return;
      try {
        await this.#sendOne({ id, marked });
      } catch (thrown) {
        if (!isDamage(thrown)) throw thrown;
      }
    });
  }

  /** Keeps back layers that every machine would refuse. Returns whether there are any. */
  async #keep(missing: readonly LayerId[]): Promise<boolean> {
    const { layers, events } = this.#deps;
    const before = this.#kept.size;
    for (const id of missing) {
      const link = await linkOut(layers, id, this.#signal);
      if (link === null) continue;
      this.#kept.add(id);
      const { volume, lane } = this.#push.place.name;
      events({
        type: 'warning',
        code: 'E_LAYER_REFUSED',
        message: `layer ${id.slice(0, 12)} of ${volume} on lane ${lane} stays on this machine: ${displayPath(link)} is a symlink out of the volume, and other machines refuse such layers`,
        hint: 'set sync: never for the volume in cachelane.yaml to keep all of it here without this warning',
      });
    }
    return this.#kept.size > before;
  }

  #warnOf(id: LayerId, why: string): void {
    const { volume, lane } = this.#push.place.name;
    this.#deps.events({
      type: 'warning',
      code: 'E_LAYER_CORRUPT',
      message: `layer ${id.slice(0, 12)} of ${volume} on lane ${lane} is not sent, and leaves the lane: ${why}`,
      hint: null,
    });
  }

  /** Returns the remote's head afterwards, whichever client moved it. */
  async #swap(content: HeadContent, found: FoundHead): Promise<FoundHead> {
    const { remote, random } = this.#deps;
    const { name } = this.#push.place;
    const bytes = encodeManifest(this.#manifestOf(content, found.manifest));
    const outcome = await remote.heads.swap(
      { key: headKey(name), bytes, expected: found.version, attempt: newAttempt(random.bytes(16)) },
      this.#signal,
    );
    if (outcome.kind !== 'moved') return toFound(outcome.found, name);
    // Decode it as readers do: encoding may have dropped details for space.
    const moved = toFound({ bytes, version: outcome.version }, name);
    const left = new Set(everyLayerOf(moved.manifest).map(({ id }) => id));
    for (const id of layersOf(found.manifest)) if (!left.has(id)) this.#removed.add(id);
    return moved;
  }

  #manifestOf({ merged, replaced, revoked }: HeadContent, before: HeadManifest | null): HeadManifest {
    const { place, tool } = this.#push;
    const sent = [...this.#sent.values()];
    const layers = new Map([...everyLayerOf(before), ...sent.map(({ layer }) => layer)].map((each) => [each.id, each]));
    const squashes = replaced.flatMap(({ id, atMs, layers: parts }) => {
      const known = parts.flatMap((part) => layers.get(part) ?? []);
      return known.length === parts.length ? [{ id, atMs, layers: known }] : [];
    });
    // Includes the parts of a squash that cannot be opened in the remote. A machine that has such a part must not consider it lost.
    const gone = [...everyLayerOf(before).map(({ id }) => id), ...replaced.flatMap((squash) => squash.layers)];
    const runs = new Map(
      [...(before?.runs ?? []), ...sent.flatMap((each) => each.runs)].map((each) => [each.id, each]),
    );
    return {
      ...place.name,
      tool: before?.tool ?? tool,
      layers: merged.flatMap((id) => layers.get(id) ?? []),
      runs: [...runs.values()],
      squashes,
      revoked: latestFirst([...revoked, ...(before?.revoked ?? [])]),
      removed: [...gone, ...(before?.removed ?? [])],
    };
  }
}

/** The next content of a remote head. */
interface HeadContent {
  /** Top first. */
  readonly merged: readonly LayerId[];
  /** Squashes that can still be opened. */
  readonly replaced: readonly SquashRecord[];
  /** Revoked here. What the head lists already stays in it. */
  readonly revoked: readonly Revocation[];
}

function squashesToName(
  squashes: Squashes,
  { merged, nowMs }: { readonly merged: readonly LayerId[]; readonly nowMs: number },
): readonly SquashRecord[] {
  return squashes.within(merged).filter(({ atMs }) => atMs >= nowMs - limits.revocationMs);
}
