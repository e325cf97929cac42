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

/** Identifies a head of a remote. */
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
  /** The number of files and symlinks. */
  readonly files: number;
  readonly sealedAtMs: number;
  readonly indexBytes: number;
  /** The wire form: size and digest of the object under its key. */
  readonly data: ObjectContent;
}

/** Provenance of a run, without ids of its store. */
export type ManifestRun = Omit<RunRecord, 'namespaceId'>;

/**
 * A squash with its replaced layers, top first. Other machines make the squash from them, or need them to remove one.
 */
export interface ManifestSquash {
  readonly id: LayerId;
  readonly atMs: number;
  readonly layers: readonly ManifestLayer[];
}

/** A head in a remote: the layers of a volume, and the runs that made them. */
export interface HeadManifest extends HeadName {
  readonly tool: string;
  /** Top first. */
  readonly layers: readonly ManifestLayer[];
  /**
   * The runs that layers name, including replaced ones. Then further runs from entries of squashes, latest first, at
   * most `limits.manifestRuns`. All unique.
   */
  readonly runs: readonly ManifestRun[];
  /**
   * Squashes among the layers and inside them, of the last `limits.revocationMs`, with at most
   * `limits.replacedLayers` layers.
   */
  readonly squashes: readonly ManifestSquash[];
  /** Latest first, at most `limits.revokedRuns`. */
  readonly revoked: readonly Revocation[];
  /**
   * Removed layers, latest first, at most `limits.removedLayers`. Other missing layers were lost there (damage, a
   * restored older state), so machines that have them upload them again.
   */
  readonly removed: readonly LayerId[];
}

const format = 'cachelane-head';
const version = 1;

// oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
const controls = /[\x00-\x1f\x7f-\x9f]/g;

/** Returns UTF-8 JSON (docs/reference/store-format.md, "Remotes"). Throws E_LIMIT over `limits.remoteHeadBytes`. */
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
    { hint: `to start empty on all machines, run cachelane rm ${volume} --shared` },
  );
}

/**
 * Returns the latest squashes that fit the limit. No layer is named twice, so of squashes with common parts, one
 * becomes an ordinary layer.
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

/**
 * Makes texts from a CI system valid for {@link decodeManifest}; an unreadable text would break the lane for
 * everyone.
 */
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
 * Parses a head without trusting it: it must be the expected head, numbers must be valid, and every layer needs its
 * run. `expected` is null for a scan of the whole remote. Throws E_OBJECT_CORRUPT; E_REMOTE_UNFIT for a head of a
 * later version.
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
  if (document['format'] !== format) throw corrupt('it is not a head');
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
  if (!isSame) throw wrong(`it is the head of ${namespace}:${volume} on lane ${lane}`);
}

function requireWhole({ layers, runs, squashes }: HeadManifest): void {
  requireOnce(squashes);
  const replaced = squashes.flatMap((squash) => squash.layers);
  // This also excludes squashes that contain themselves.
  requireOnce([...layers, ...replaced]);
  const known = new Set(runs.map(({ id }) => id));
  if ([...layers, ...replaced].some(({ run }) => !known.has(run))) throw wrong('a layer has no run');
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
  if (index > limits.incomingIndexBytes) throw wrong('an index is too large');
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
  if (purpose === undefined) throw wrong('a run has an unknown purpose');
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
  throw wrong('a field is missing or invalid');
}

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value) && value.length <= limits.importedLayers) return value;
  throw wrong('a list is invalid or too long');
}

/** Texts are shown and stored, so their length is limited and control characters are refused. */
function textOf(value: unknown): string {
  if (typeof value === 'string' && value.length <= limits.namespaceBytes && value.search(controls) < 0) return value;
  throw wrong('a text is invalid');
}

function countOf(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong('a number is invalid');
}

/** Times must be valid dates, because people see them. */
function timeOf(value: unknown): number {
  const timeMs = countOf(value);
  if (timeMs <= limits.timeSecondsMax * 1000) return timeMs;
  throw wrong('a time is invalid');
}

function wrong(why: string): Error {
  return new Error(why);
}

function corrupt(why: string, cause?: unknown): CachelaneError {
  return new CachelaneError('E_OBJECT_CORRUPT', `the remote has a damaged head: ${why}`, { cause });
}
