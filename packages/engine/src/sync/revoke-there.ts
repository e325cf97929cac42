import {
  asCachelaneError,
  CachelaneError,
  isCachelaneError,
  isHeldFile,
  limits,
  namesRun,
  openIndex,
  withoutRun,
  type HeadManifest,
  type HeadName,
  type LayerId,
  type LayerIndex,
  type ManifestLayer,
  type Remote,
  type RemoteKey,
  type Revocation,
  type RunId,
} from '@cachelane/core';
import type { EngineDependencies } from '../engine.ts';
import { toolOf } from '../provenance/revoke-runs.ts';
import { stageFrom } from '../views/squash.ts';
import { changeHead } from './change-head.ts';
import { everyLayerOf } from './compare-heads.ts';
import { latestFirst } from './heed-revocations.ts';
import { readCollection, stillCollection } from './collection-guard.ts';
import { headKeys, manifestAt } from './listed-heads.ts';
import { isAboutLayer, pullLayer, readIndex } from './pull-layer.ts';
import { sendLayer, type LayerToPush } from './push-layer.ts';
import { withMend } from './remote-heads.ts';

export type RevokeThereDependencies = Pick<
  EngineDependencies,
  'layers' | 'transfers' | 'clock' | 'random' | 'tools'
> & {
  readonly remote: Remote;
};

/** A head of the remote that names one of the runs. */
export interface AffectedThere {
  readonly name: HeadName;
  /** Its layers that do, also replaced ones. */
  readonly layers: readonly LayerId[];
}

/** One that names none of the runs. */
interface OtherThere {
  readonly name: HeadName;
  /** It says of each of the runs that it is revoked; `some`: of one of them, as where a revocation did not get to its end. */
  readonly says: 'all' | 'some' | 'none';
}

/** Nobody can use it, or tell what it has of the runs. */
interface Unreadable {
  /** For people. */
  readonly what: string;
  readonly error: CachelaneError;
}

export interface FoundThere {
  readonly affected: readonly AffectedThere[];
  readonly others: readonly OtherThere[];
  readonly unreadable: readonly Unreadable[];
}

/**
 * Heads of the remote that name one of the runs, whichever machine wrote them; reads every head, and every index that is not here. What cannot be read keeps nobody from taking the runs out of the rest. Changes
 * nothing.
 */
export async function findThere(
  deps: RevokeThereDependencies,
  runs: ReadonlySet<RunId>,
  signal: AbortSignal,
): Promise<FoundThere> {
  const indexes = new Indexes(deps, signal);
  const affected: AffectedThere[] = [];
  const others: OtherThere[] = [];
  const unreadable: Unreadable[] = [];
  for await (const key of headKeys(deps.remote, signal)) {
    const manifest = await readable(deps.remote, { key, unreadable }, signal);
    if (manifest === null) continue;
    const { namespace, volume, compat, lane } = manifest;
    const name = { namespace, volume, compat, lane };
    const layers: LayerId[] = [];
    for (const layer of everyLayerOf(manifest)) {
      const index = await indexes.of(layer);
      if (runs.has(layer.run) || (index.isRead && namesRun(index.index, runs))) layers.push(layer.id);
      else if (!index.isRead) unreadable.push({ what: `layer ${layer.id.slice(0, 12)} of ${textOf(name)}`, ...index });
    }
    if (layers.length > 0) affected.push({ name, layers });
    else others.push({ name, says: saysOf(manifest, runs) });
  }
  return { affected, others, unreadable };
}

async function readable(
  remote: Remote,
  { key, unreadable }: { readonly key: RemoteKey; readonly unreadable: Unreadable[] },
  signal: AbortSignal,
): Promise<HeadManifest | null> {
  try {
    return await withMend(async () => {
      const head = await remote.heads.read(key, signal);
      return head === undefined ? null : manifestAt(key, head);
    });
  } catch (error) {
    if (!isCachelaneError(error, 'E_OBJECT_CORRUPT', 'E_REMOTE_UNFIT')) throw error;
    unreadable.push({ what: `the head ${key}`, error });
    return null;
  }
}

function saysOf({ revoked }: HeadManifest, runs: ReadonlySet<RunId>): OtherThere['says'] {
  const said = revoked.filter(({ run }) => runs.has(run)).length;
  return said === runs.size ? 'all' : said > 0 ? 'some' : 'none';
}

function textOf({ namespace, volume, lane }: HeadName): string {
  return `${namespace}:${volume} on lane ${lane}`;
}

/** Notes in a head of the remote that runs are revoked, for machines that have something of theirs and have not sent it yet. */
export async function noteThere(
  deps: RevokeThereDependencies,
  name: HeadName,
  revocations: readonly Revocation[],
  signal: AbortSignal,
): Promise<void> {
  await changeHead(
    deps,
    name,
    (manifest) => {
      const revoked = latestFirst([...manifest.revoked, ...revocations]);
      return revoked.length === manifest.revoked.length ? null : { ...manifest, revoked };
    },
    signal,
  );
}

/**
 * Takes revoked runs out of a head of the remote, of which nothing need be here: their layers go, what squashes with a part of theirs replaced comes in the place of those, and layers of others lose the
 * entries that they had a part in. From then on every machine that compares itself with the head leaves the runs out. Whether the head moved. Names that point at what goes stay, until the tool
 * finds that out.
 */
export async function revokeThere(
  deps: RevokeThereDependencies,
  name: HeadName,
  revocations: readonly Revocation[],
  signal: AbortSignal,
): Promise<boolean> {
  const runs = new Set(revocations.map(({ run }) => run));
  const indexes = new Indexes(deps, signal);
  return await changeHead(
    deps,
    name,
    async (manifest) => {
      const layers = await remainder(deps, { manifest, runs, indexes }, signal);
      const known = new Set(manifest.revoked.map(({ run }) => run));
      const isAsWas =
        layers.length === manifest.layers.length && layers.every((each, i) => each === manifest.layers[i]);
      if (isAsWas && [...runs].every((run) => known.has(run))) return null;
      const revoked = latestFirst([...manifest.revoked, ...revocations]);
      const removed = [...everyLayerOf(manifest).map(({ id }) => id), ...manifest.removed];
      return { ...manifest, layers, revoked, removed };
    },
    signal,
  );
}

/** Of layers of the remote; what is here is not asked for. */
class Indexes {
  readonly #deps: Pick<RevokeThereDependencies, 'remote' | 'layers'>;
  readonly #signal: AbortSignal;

  constructor(deps: Pick<RevokeThereDependencies, 'remote' | 'layers'>, signal: AbortSignal) {
    this.#deps = deps;
    this.#signal = signal;
  }

  async of(layer: ManifestLayer): Promise<FoundIndex> {
    const { remote, layers } = this.#deps;
    try {
      if (await layers.has(layer.id, this.#signal))
        return { isRead: true, index: (await layers.open(layer.id, this.#signal)).index };
      const bytes = await readIndex(remote, { layer, onBytes: () => undefined }, this.#signal);
      return { isRead: true, index: openIndex(bytes) };
    } catch (error) {
      if (!isAboutLayer(error)) throw error;
      return { isRead: false, error: asCachelaneError(error) };
    }
  }
}

type FoundIndex =
  | { readonly isRead: true; readonly index: LayerIndex }
  | { readonly isRead: false; readonly error: CachelaneError };

/** Errors: E_REMOTE_BUSY where collections come between again and again. */
async function remainder(
  deps: RevokeThereDependencies,
  of: Omit<RemainderOf, 'marked'>,
  signal: AbortSignal,
): Promise<readonly ManifestLayer[]> {
  for (let attempt = 0; attempt < limits.commitAttempts; attempt++) {
    const { collection, version } = await stillCollection(deps, signal);
    const layers = await new Remainder(deps, { ...of, marked: new Set(collection?.keys) }, signal).layers();
    // What was put, or found there, counts only under the state of collections that it was put under.
    if ((await readCollection(deps.remote, signal)).version === version) return layers;
  }
  throw new CachelaneError('E_REMOTE_BUSY', `${deps.remote.name} is collected again and again`, { retryable: true });
}

interface RemainderOf {
  readonly manifest: HeadManifest;
  readonly runs: ReadonlySet<RunId>;
  readonly indexes: Indexes;
  readonly marked: LayerToPush['marked'];
}

class Remainder {
  readonly #deps: RevokeThereDependencies;
  readonly #of: RemainderOf;
  readonly #signal: AbortSignal;

  constructor(deps: RevokeThereDependencies, of: RemainderOf, signal: AbortSignal) {
    this.#deps = deps;
    this.#of = of;
    this.#signal = signal;
  }

  async layers(): Promise<readonly ManifestLayer[]> {
    const left: ManifestLayer[] = [];
    for (const layer of this.#of.manifest.layers) left.push(...(await this.#leftOf(layer)));
    return left;
  }

  async #leftOf(layer: ManifestLayer): Promise<readonly ManifestLayer[]> {
    if (!(await this.#hasPart(layer))) return [layer];
    const parts = this.#partsOf(layer);
    if (parts.length === 0 || !(await this.#areReadable(parts))) return await this.#rewritten(layer);
    const left: ManifestLayer[] = [];
    for (const part of parts) left.push(...(await this.#leftOf(part)));
    return left;
  }

  #partsOf({ id }: ManifestLayer): readonly ManifestLayer[] {
    return this.#of.manifest.squashes.find((squash) => squash.id === id)?.layers ?? [];
  }

  /** Where one of them is lost there, the squash is all that is left of the others. */
  async #areReadable(layers: readonly ManifestLayer[]): Promise<boolean> {
    for (const layer of layers) {
      if (!(await this.#of.indexes.of(layer)).isRead) return false;
      if (!(await this.#areReadable(this.#partsOf(layer)))) return false;
    }
    return true;
  }

  /** One that cannot be read has it where its maker is one of the runs. */
  async #hasPart(layer: ManifestLayer): Promise<boolean> {
    const { runs, indexes } = this.#of;
    const found = await indexes.of(layer);
    if (found.isRead ? namesRun(found.index, runs) : runs.has(layer.run)) return true;
    for (const part of this.#partsOf(layer)) if (await this.#hasPart(part)) return true;
    return false;
  }

  async #rewritten(layer: ManifestLayer): Promise<readonly ManifestLayer[]> {
    const { layers, remote, tools } = this.#deps;
    const { manifest, runs, indexes, marked } = this.#of;
    const found = await indexes.of(layer);
    const rest = found.isRead ? withoutRun(found.index, runs, layer.run) : { kind: 'drop' as const };
    if (rest.kind === 'keep') return [layer];
    if (rest.kind === 'drop') return [];
    if (!(await layers.has(layer.id, this.#signal))) {
      try {
        await pullLayer(
          { ...this.#deps, remote },
          { layer, tool: toolOf(tools, manifest), onBytes: () => undefined },
          this.#signal,
        );
      } catch (error) {
        // Nobody has anything of it from there.
        if (isAboutLayer(error)) return [];
        throw error;
      }
    }
    const stored = await layers.open(layer.id, this.#signal);
    const entries = rest.entries.map((entry) => stageFrom(entry, stored));
    const staged = await layers.stage({ changes: null, entries, sealedAtMs: stored.sealedAtMs }, this.#signal);
    await layers.publish(staged, this.#signal);
    const { indexBytes, data } = await sendLayer(this.#deps, { id: staged.id, marked }, this.#signal);
    const origins = new Set(rest.entries.flatMap((entry) => entry.origins));
    const other = manifest.runs.find(({ id }) => origins.has(id))?.id;
    // What a clean-up made goes on to be known as such.
    const run = runs.has(layer.run) ? (other ?? layer.run) : layer.run;
    const files = rest.entries.filter(isHeldFile).length;
    return [{ ...layer, id: staged.id, run, files, indexBytes, data }];
  }
}
