import {
  CachelaneError,
  compatKey,
  displayPath,
  isCachelaneError,
  isHeldFile,
  limits,
  parseDigest,
  unknownToolName,
  type HeadRecord,
  type LayerId,
  type LayerIndex,
  type LayerRecord,
  type ToolEnvironment,
  type VolumeRecord,
} from '@cachelane/core';
import { backOff } from '../base/back-off.ts';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { VolumeRequest } from '../model/volume-request.ts';
import { exportFormat, manifestName, type ExportManifest, type ExportPart } from './export-volume.ts';
import { neverAborted } from '../base/never-aborted.ts';
import type { Remainder } from '../removal/remains.ts';
import { takeOut } from '../removal/remove-runs.ts';
import { requireWritable } from '../base/require-writable.ts';
import { secretIn } from '../volumes/secret-in.ts';
import { namesRunIn } from '../heads/take-apart.ts';
import { isSame } from '../sync/heads/compare-heads.ts';
import { openSession } from '../sessions/open-session.ts';
import { closeSession } from '../leases/close-session.ts';
import { type Ids, type SessionInput, newIds } from '../model/session-input.ts';
import { planVolume } from '../volumes/plan.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';

export interface ImportRequest extends Omit<SessionInput, 'mode' | 'purpose' | 'strict'> {
  readonly volume: VolumeRequest;
  readonly environment: ToolEnvironment;
}

export interface Imported {
  readonly volume: VolumeRecord;
  readonly manifest: ExportManifest;
  /** Layers that the lane did not have, without revoked runs. */
  readonly taken: readonly LayerRecord[];
  /** Number of layers that it had. */
  readonly had: number;
  readonly head: HeadRecord | null;
}

/**
 * Adds the layers of an export on top of the lane that a run here would write; layers that are there already stay. Trusts nothing in the
 * file. A refused layer ends the import; a second import continues after it. Leaves out revoked runs, with a warning. Errors: E_USAGE for
 * an invalid export, another tool or compat, or a read-only lane; E_LAYER_REFUSED with the reason.
 */
export async function importLayers(
  deps: EngineDependencies,
  request: ImportRequest,
  parts: AsyncIterable<ExportPart>,
): Promise<Imported> {
  const { signal } = request;
  requireWritable(request.context);
  const planned = planVolume(deps.tools, request.context, request.environment, request.volume);
  const source = parts[Symbol.asyncIterator]();
  const manifest = readManifest(await textOf(await next(source, manifestName)));
  requireSameKind(manifest, planned);
  const ids = newIds(deps);
  await using _lease = await deps.leases.acquire(ids.sessionId, signal);
  const input: SessionInput = { ...request, mode: 'write', purpose: 'run', strict: true };
  // Nothing is mounted.
  const opened = await openSession(deps, input, [planned], { ...ids, attaches: false });
  try {
    const volume = opened.volumes[0]?.volume;
    if (volume === undefined) throw new CachelaneError('E_INTERNAL', 'a session of one volume has none');
    const taken: LayerRecord[] = [];
    let had = 0;
    let head = (await deps.metadata.head(volume.id, planned.own.lane, signal)) ?? null;
    for (const id of manifest.layers.toReversed()) {
      const index = await bytesOf(await next(source, `layers/${id}/index`));
      const { data } = await next(source, `layers/${id}/data.tar.zst`);
      if (head?.layers.includes(id) === true) {
        await drain(data);
        had++;
        continue;
      }
      const record = await takeIn(deps, { ids, planned, volume, id, index, data }, signal);
      const pushed = await push(deps, { planned, volume, record, ids }, signal);
      head = pushed.head;
      taken.push(...pushed.taken);
    }
    return { volume, manifest, taken, had, head };
  } finally {
    await source.return?.();
    await closeSession(deps, ids.sessionId);
  }
}

/** Returns what an export says of itself. Errors: E_USAGE for a file that is no export. */
export async function readExportManifest(parts: AsyncIterable<ExportPart>): Promise<ExportManifest> {
  const source = parts[Symbol.asyncIterator]();
  try {
    return readManifest(await textOf(await next(source, manifestName)));
  } finally {
    await source.return?.();
  }
}

interface TakenIn {
  readonly ids: Ids;
  readonly planned: PlannedVolume;
  readonly volume: VolumeRecord;
  readonly id: LayerId;
  readonly index: Uint8Array;
  readonly data: AsyncIterable<Uint8Array>;
}

async function takeIn(
  deps: EngineDependencies,
  { ids, planned, volume, id, index, data }: TakenIn,
  signal: AbortSignal,
): Promise<LayerRecord> {
  // Pin first, so that no collector deletes the layer before the head names it.
  await deps.metadata.updateSession(ids.sessionId, { pins: [id] }, signal);
  // The time this store first had it: times in the layer are at most that.
  const sealedAtMs = deps.clock.nowMs();
  const staged = await deps.layers.unpack({ id, index, data, sealedAtMs }, signal);
  const secret = secretIn(staged.index, planned.tool);
  if (secret !== null) {
    await deps.layers.unstage(staged, signal);
    throw new CachelaneError('E_LAYER_REFUSED', `${displayPath(secret)} holds credentials, which are never stored`);
  }
  await deps.layers.publish(staged, signal);
  return {
    id,
    volumeId: volume.id,
    run: ids.run,
    counts: { ...countsOf(staged.index), sizeBytes: staged.sizeBytes },
    files: countsOf(staged.index).added,
    sealedAtMs,
    bootId: deps.bootId,
  };
}

function countsOf(index: LayerIndex): { readonly added: number; readonly changed: number; readonly removed: number } {
  let added = 0;
  let removed = 0;
  for (const entry of index.entries()) {
    if (isHeldFile(entry)) added++;
    else if (entry.removed === 'counted') removed++;
  }
  return { added, changed: 0, removed };
}

type Pushed = Pick<Imported, 'head' | 'taken'>;

interface Push {
  readonly planned: PlannedVolume;
  readonly volume: VolumeRecord;
  readonly record: LayerRecord;
  readonly ids: Ids;
}

async function push(
  deps: EngineDependencies,
  { planned, volume, record, ids }: Push,
  signal: AbortSignal,
): Promise<Pushed> {
  const { lane } = planned.own;
  let head = (await deps.metadata.head(volume.id, lane, signal)) ?? null;
  for (let attempt = 0; attempt < limits.commitAttempts; attempt++) {
    const stack = [record.id, ...(head?.layers ?? []).filter((id) => id !== record.id)];
    const rest = await withoutRevoked(deps, { planned, volume, record, ids }, stack, signal);
    if (rest !== null && isSame(rest.layers, head?.layers ?? [])) return { head, taken: [] };
    const result = await deps.metadata.commit(
      {
        volumeId: volume.id,
        lane,
        expectedGeneration: head?.generation ?? 0,
        layers: rest?.layers ?? stack,
        layer: rest === null ? record : null,
        rewritten: rest?.rewritten ?? [],
        run: ids.run,
        counts: record.counts,
        atMs: deps.clock.nowMs(),
      },
      neverAborted,
    );
    if (result.kind === 'moved') return { head: result.head, taken: rest?.rewritten ?? [record] };
    head = result.head;
    await backOff(deps, attempt, signal);
  }
  throw new CachelaneError('E_HEAD_MOVED', `the head moved ${limits.commitAttempts} times during the import`, {
    hint: 'import again; it continues with the missing layers',
    retryable: true,
  });
}

/** Returns the layer without revoked runs, or null if nothing is left. */
async function withoutRevoked(
  deps: EngineDependencies,
  { planned, volume, record, ids }: Push,
  stack: readonly LayerId[],
  signal: AbortSignal,
): Promise<Remainder | null> {
  const runs = new Set((await deps.metadata.revokedRuns(volume.namespaceId, signal)).map(({ run }) => run));
  if (runs.size === 0 || !(await namesRunIn(deps.layers, { id: record.id, runs }, signal))) return null;
  const request = { volumeId: volume.id, lane: planned.own.lane, tool: planned.tool, runs, by: ids.run };
  const rest = await takeOut(deps, request, stack, signal);
  if (rest === null) return null;
  const message = `layer ${record.id.slice(0, 12)} of the export has changes of runs that are revoked here; they are left out`;
  deps.events({ type: 'warning', code: 'E_LAYER_REFUSED', message, hint: null });
  const rewritten: LayerRecord[] = [];
  for (const each of rest.rewritten) {
    const isKnown = (await deps.metadata.run(each.run, signal)) !== undefined;
    rewritten.push(isKnown ? each : { ...each, run: ids.run });
  }
  return { ...rest, rewritten };
}

function requireSameKind({ tool, compat }: ExportManifest, planned: PlannedVolume): void {
  if (tool !== planned.tool.name) {
    const needsNoPath = planned.request.path !== null && planned.tool.name === unknownToolName;
    throw new CachelaneError(
      'E_USAGE',
      `the export holds a volume of ${tool}, and ${planned.request.name} is a volume of ${planned.tool.name}`,
      { hint: needsNoPath ? `omit the path: --as ${planned.request.name}` : 'import it under another name: --as NAME' },
    );
  }
  if (compatKey(compat) === compatKey(planned.compat)) return;
  throw new CachelaneError(
    'E_USAGE',
    `the export is ${suits(compatKey(compat))}, but the volume here is ${suits(compatKey(planned.compat))}`,
    { hint: 'its contents may not work here' },
  );
}

function suits(key: string): string {
  return key === '' ? 'for everybody' : `for ${key}`;
}

const earlierFormat = 'cachelane-export';

function readManifest(text: string): ExportManifest {
  try {
    const value = JSON.parse(text) as Partial<Record<keyof ExportManifest, unknown>>;
    if (String(value.format) === earlierFormat) {
      throw new CachelaneError('E_USAGE', 'an earlier build of cachelane made this export', {
        hint: 'export the volume again with this build',
      });
    }
    if (value.format !== exportFormat) throw noExport('its format is not named');
    if (value.version !== 1) {
      throw new CachelaneError(
        'E_USAGE',
        `the export has version ${String(value.version)}, but this cachelane reads version 1`,
        {
          hint: 'use the version of cachelane that wrote it, or a later one',
        },
      );
    }
    const { namespace, volume, lane, generation, tool, compat, layers } = value;
    const isWhole =
      [namespace, volume, lane, tool].every((each) => typeof each === 'string') &&
      typeof generation === 'number' &&
      isTextRecord(compat) &&
      Array.isArray(layers);
    if (!isWhole) throw noExport('its manifest is incomplete');
    const ids = layers.map((id) => parseDigest(String(id)) as LayerId);
    if (ids.length > limits.importedLayers || new Set(ids).size < ids.length)
      throw noExport('its list of layers is invalid');
    return { ...(value as ExportManifest), layers: ids };
  } catch (error) {
    if (isCachelaneError(error, 'E_USAGE')) throw error;
    throw noExport('its manifest cannot be read', error);
  }
}

function isTextRecord(value: unknown): value is Readonly<Record<string, string>> {
  return typeof value === 'object' && value !== null && Object.values(value).every((each) => typeof each === 'string');
}

function noExport(why: string, cause?: unknown): CachelaneError {
  return new CachelaneError('E_USAGE', `this is not an export of a volume: ${why}`, {
    hint: 'copy the file again, or export the volume again',
    cause,
  });
}

async function next(source: AsyncIterator<ExportPart>, name: string): Promise<ExportPart> {
  const { value, done } = await source.next();
  if (done === true) throw noExport(`it ends before ${name}`);
  if (value.name !== name) throw noExport(`${name} is missing`);
  return value;
}

async function bytesOf({ data }: ExportPart): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of data) {
    length += chunk.length;
    if (length > limits.incomingIndexBytes) throw noExport('an index is too large');
    chunks.push(chunk);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

async function textOf(part: ExportPart): Promise<string> {
  return new TextDecoder().decode(await bytesOf(part));
}

async function drain(data: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of data) void chunk;
}
