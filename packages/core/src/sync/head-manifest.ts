import { parseDigest } from '../base/digest.ts';
import { CachelaneError } from '../base/errors.ts';
import { type RunId, parseId } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { type LaneName, parseLane } from '../lanes/lane.ts';
import type { LayerId } from '../layers/entry.ts';
import { type Namespace, parseNamespace } from '../names/namespace.ts';
import { type Compat, type VolumeName, canonicalCompat, compatKey, parseVolumeName } from '../names/volume.ts';
import type { LayerCounts } from '../ports/metadata/head-records.ts';
import type { Revocation } from '../ports/metadata/revocation-store.ts';
import { type RunPurpose, type RunRecord, runPurposes } from '../ports/metadata/run-record.ts';
import type { ObjectContent } from '../ports/remote/remote-objects.ts';

/** Which head of a remote is meant. */
export interface HeadName {
  readonly namespace: Namespace;
  readonly volume: VolumeName;
  readonly compat: Compat;
  readonly lane: LaneName;
}

export interface ManifestLayer {
  readonly id: LayerId;
  readonly run: RunId;
  readonly counts: LayerCounts;
  /** Files and symlinks that it holds. */
  readonly files: number;
  readonly sealedAtMs: number;
  readonly indexBytes: number;
  /** Its wire form: what the object under its key is. */
  readonly data: ObjectContent;
}

/** Provenance of a run, without the ids of the store that it was in. */
export type ManifestRun = Omit<RunRecord, 'namespaceId'>;

/** A squash, and the layers in whose place it is, top first: whoever has those makes it of them, and whoever takes one of them out needs the others. */
export interface ManifestSquash {
  readonly id: LayerId;
  readonly atMs: number;
  readonly layers: readonly ManifestLayer[];
}

/** A head as it lies in a remote: what the volume is made of, and who made it. */
export interface HeadManifest extends HeadName {
  readonly tool: string;
  /** Top first. */
  readonly layers: readonly ManifestLayer[];
  /** Those that the layers name, also replaced ones, and others that entries of squashes may name, the latest first, at most `limits.manifestRuns` of them; each once. */
  readonly runs: readonly ManifestRun[];
  /** Squashes among the layers and among what they replace; of the last `limits.revocationMs`, and of at most `limits.replacedLayers` layers. */
  readonly squashes: readonly ManifestSquash[];
  /** The latest first, at most `limits.revokedRuns`. */
  readonly revoked: readonly Revocation[];
  /**
   * Layers that somebody took out, the latest first, at most `limits.removedLayers`. What is not there and is not among these was lost there (damage, an older state that somebody
   * put back): who has it sends it again.
   */
  readonly removed: readonly LayerId[];
}

const format = 'cachelane-head';
const version = 1;

// oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
const controls = /[\x00-\x1f\x7f-\x9f]/g;

/** UTF-8 JSON (docs/reference/store-format.md, "Remotes"). Throws E_LIMIT where it is over `limits.remoteHeadBytes`. */
export function encodeManifest(manifest: HeadManifest): Uint8Array {
  const { namespace, volume, compat, lane, tool, layers, revoked } = manifest;
  const squashes = fewSquashes(manifest);
  const all = [...layers, ...squashes.flatMap((squash) => squash.layers)];
  const there = new Set(all.map(({ id }) => id));
  const forgotten = manifest.squashes.flatMap((squash) => squash.layers.map(({ id }) => id));
  const document = {
    format,
    version,
    namespace,
    volume,
    compat,
    lane,
    tool,
    layers,
    runs: fewRuns(manifest.runs, new Set(all.map(({ run }) => run))).map(readable),
    squashes,
    revoked: revoked.slice(0, limits.revokedRuns).map((each) => ({ ...each, by: plain(each.by) })),
    removed: [...new Set([...manifest.removed, ...forgotten])]
      .filter((id) => !there.has(id))
      .slice(0, limits.removedLayers),
  };
  const bytes = new TextEncoder().encode(JSON.stringify(document));
  if (bytes.length <= limits.remoteHeadBytes) return bytes;
  throw new CachelaneError(
    'E_LIMIT',
    `${volume} on lane ${lane} has ${layers.length} layers, too many for one head of a remote`,
    { hint: `cachelane rm ${volume} --shared begins it anew, everywhere` },
  );
}

/**
 * Those that the layers are, and that these were made of: the latest that there is room for. No layer is named twice, so where squashes that were made of the same meet, one of them is a layer like
 * others. What only one that is left out was made of is nobody's.
 */
function fewSquashes({ layers, squashes }: HeadManifest): readonly ManifestSquash[] {
  let room: number = limits.replacedLayers;
  const byAge = squashes.toSorted((a, b) => b.atMs - a.atMs);
  const byId = new Map(byAge.filter((squash) => (room -= squash.layers.length) >= 0).map((each) => [each.id, each]));
  const named = new Set(layers.map(({ id }) => id));
  const kept = new Set<ManifestSquash>();
  const visit = ({ id }: ManifestLayer): void => {
    const squash = byId.get(id);
    if (squash === undefined || kept.has(squash)) return;
    const parts = new Set(squash.layers.map((part) => part.id));
    if (parts.size < squash.layers.length || !parts.isDisjointFrom(named)) return;
    kept.add(squash);
    for (const part of parts) named.add(part);
    squash.layers.forEach(visit);
  };
  layers.forEach(visit);
  return squashes.filter((squash) => kept.has(squash));
}

function fewRuns(runs: readonly ManifestRun[], named: ReadonlySet<RunId>): readonly ManifestRun[] {
  const others = runs.filter(({ id }) => !named.has(id)).toSorted((a, b) => b.startedAtMs - a.startedAtMs);
  return [...runs.filter(({ id }) => named.has(id)), ...others.slice(0, limits.manifestRuns)];
}

/** Texts that came from a CI system, as {@link decodeManifest} takes them: one that nobody can read back would end the lane for everybody. */
function readable(run: ManifestRun): ManifestRun {
  const { revision, workflow } = run;
  return {
    ...run,
    revision: revision === null ? null : plain(revision),
    workflow: workflow === null ? null : plain(workflow),
  };
}

function plain(text: string): string {
  return text.replace(controls, ' ').slice(0, limits.namespaceBytes);
}

/**
 * Nothing is believed of what somebody else wrote: what it is the head of has to be what was asked for, numbers have to be numbers, and every layer has to
 * come with its run. `expected` is null for whoever goes through a remote and looks what is there. Throws E_OBJECT_CORRUPT; E_REMOTE_UNFIT for one that a later version of Cachelane wrote.
 */
export function decodeManifest(bytes: Uint8Array, expected: HeadName | null): HeadManifest {
  const document = parse(bytes);
  requireFormat(document);
  try {
    const manifest: HeadManifest = {
      namespace: parseNamespace(textOf(document['namespace'])),
      volume: parseVolumeName(textOf(document['volume'])),
      compat: canonicalCompat(compatOf(document['compat'])),
      lane: laneOf(document['lane']),
      tool: textOf(document['tool']),
      layers: listOf(document['layers']).map(layerOf),
      runs: listOf(document['runs']).map(runOf),
      squashes: listOf(document['squashes']).map(squashOf),
      revoked: listOf(document['revoked']).map(revocationOf),
      removed: listOf(document['removed']).map((id) => parseDigest(textOf(id)) as LayerId),
    };
    if (expected !== null) requireSame(manifest, expected);
    requireWhole(manifest);
    return manifest;
  } catch (cause) {
    throw corrupt(cause instanceof Error ? cause.message : 'it cannot be read', cause);
  }
}

type Document = Readonly<Record<string, unknown>>;

function parse(bytes: Uint8Array): Document {
  try {
    return recordOf(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch (cause) {
    throw corrupt('it cannot be read', cause);
  }
}

function requireFormat(document: Document): void {
  if (document['format'] !== format) throw corrupt('it is none');
  const found = document['version'];
  if (found === version) return;
  if (typeof found !== 'number' || found < version) throw corrupt('it has no version');
  throw new CachelaneError(
    'E_REMOTE_UNFIT',
    `the remote has a head of version ${found}; this cachelane reads version ${version}`,
    { hint: 'update cachelane' },
  );
}

function requireSame({ namespace, volume, compat, lane }: HeadName, expected: HeadName): void {
  const isSame =
    namespace === expected.namespace &&
    volume === expected.volume &&
    compatKey(compat) === compatKey(expected.compat) &&
    lane === expected.lane;
  if (!isSame) throw wrong(`it is the one of ${namespace}:${volume} on lane ${lane}`);
}

function requireWhole({ layers, runs, squashes }: HeadManifest): void {
  requireOnce(squashes);
  const replaced = squashes.flatMap((squash) => squash.layers);
  // So none of them stands for itself.
  requireOnce([...layers, ...replaced]);
  const known = new Set(runs.map(({ id }) => id));
  if ([...layers, ...replaced].some(({ run }) => !known.has(run))) throw wrong('it does not say who made a layer');
}

function requireOnce(layers: readonly { readonly id: LayerId }[]): void {
  if (new Set(layers.map(({ id }) => id)).size < layers.length) throw wrong('it names a layer twice');
}

function squashOf(value: unknown): ManifestSquash {
  const { id, atMs, layers } = recordOf(value);
  return { id: parseDigest(textOf(id)) as LayerId, atMs: timeOf(atMs), layers: listOf(layers).map(layerOf) };
}

function revocationOf(value: unknown): Revocation {
  const { run, atMs, by } = recordOf(value);
  return { run: parseId('run', textOf(run)), atMs: timeOf(atMs), by: textOf(by) };
}

function layerOf(value: unknown): ManifestLayer {
  const { id, run, counts, files, sealedAtMs, indexBytes, data } = recordOf(value);
  const { sizeBytes, digest } = recordOf(data);
  const count = recordOf(counts);
  const index = countOf(indexBytes);
  if (index > limits.incomingIndexBytes) throw wrong('an index is larger than any');
  return {
    id: parseDigest(textOf(id)) as LayerId,
    run: parseId('run', textOf(run)),
    counts: {
      added: countOf(count['added']),
      changed: countOf(count['changed']),
      removed: countOf(count['removed']),
      sizeBytes: countOf(count['sizeBytes']),
    },
    files: countOf(files),
    sealedAtMs: timeOf(sealedAtMs),
    indexBytes: index,
    data: { sizeBytes: countOf(sizeBytes), digest: parseDigest(textOf(digest)) },
  };
}

function runOf(value: unknown): ManifestRun {
  const { id, lane, startedAtMs, revision, workflow, purpose } = recordOf(value);
  return {
    id: parseId('run', textOf(id)),
    lane: laneOf(lane),
    startedAtMs: timeOf(startedAtMs),
    revision: revision === null ? null : textOf(revision),
    workflow: workflow === null ? null : textOf(workflow),
    purpose: purposeOf(purpose),
  };
}

function purposeOf(value: unknown): RunPurpose {
  const purpose = runPurposes.find((each) => each === value);
  if (purpose === undefined) throw wrong('it names a purpose that is none');
  return purpose;
}

function laneOf(value: unknown): LaneName {
  const text = textOf(value);
  parseLane(text);
  return text as LaneName;
}

function compatOf(value: unknown): Compat {
  return Object.fromEntries(Object.entries(recordOf(value)).map(([name, each]) => [name, textOf(each)]));
}

function recordOf(value: unknown): Document {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Document;
  throw wrong('it lacks something');
}

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value) && value.length <= limits.importedLayers) return value;
  throw wrong('it has a list that is none');
}

/** Texts are shown to people and kept in the store: no more of them than of any other name, and nothing that a terminal obeys. */
function textOf(value: unknown): string {
  if (typeof value === 'string' && value.length <= limits.namespaceBytes && value.search(controls) < 0) return value;
  throw wrong('it has a text that is none');
}

function countOf(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong('it has a number that is none');
}

/** One that has a date: it is shown to people. */
function timeOf(value: unknown): number {
  const timeMs = countOf(value);
  if (timeMs <= limits.timeSecondsMax * 1000) return timeMs;
  throw wrong('it has a time that is none');
}

function wrong(why: string): Error {
  return new Error(why);
}

function corrupt(why: string, cause?: unknown): CachelaneError {
  return new CachelaneError('E_OBJECT_CORRUPT', `a head in the remote is not what Cachelane writes: ${why}`, { cause });
}
