import {
  CachelaneError,
  isCachelaneError,
  mayReach,
  parseNamespace,
  parseVolumeName,
  volumeNameFrom,
  type Namespace,
  type NamespaceRecord,
  type VolumeName,
} from '@cachelane/core';
import { deprecations, withoutGrant } from '@cachelane/engine';
import { mayKnow, mayKnowVolume, namesOf, requireOwn } from '../request/caller.ts';
import { parseNodeId, type VolumeNodeId } from '../values/node-id.ts';
import { findVolumeRecord } from './held.ts';
import { nothingAsked, type VolumeSubject } from './volume-subject.ts';
import type { ApiRequest } from '../request/request.ts';
import { definedAt } from './offered.ts';

/** Returns the volume with this id. Errors: E_NOT_FOUND, also for a volume that the caller may not see. */
export async function volumeWithId(request: ApiRequest, text: string): Promise<VolumeSubject> {
  const id = parseNodeId(text);
  if (id?.kind === 'volume') return await volumeAt(request, id);
  throw new CachelaneError('E_NOT_FOUND', 'there is no volume with this id');
}

/** As {@link volumeWithId}, for changes. Errors: E_USAGE if a confined session does not own it. */
export async function volumeToChange(request: ApiRequest, text: string): Promise<VolumeSubject> {
  const subject = await volumeWithId(request, text);
  requireOwn(request.caller, namesOf(subject.record, subject.namespace));
  return subject;
}

/** As {@link volumeWithId}, for saving. Errors: E_GRANT if a confined session may only read it. */
export async function volumeToSave(request: ApiRequest, text: string): Promise<VolumeSubject> {
  const subject = await volumeWithId(request, text);
  const { bounds, lane, namespace: caller } = request.caller.project.context;
  const { namespace, key: volume } = subject;
  const reaching = { namespace, volume, access: 'write', lane } as const;
  if (bounds === undefined || mayReach(bounds, reaching)) return subject;
  const { code, message, hint } = withoutGrant({ caller, ...reaching });
  throw new CachelaneError(code, message, { hint: `attach it with mode READ, which saves nothing; ${hint}` });
}

export async function volumeAt(request: ApiRequest, id: VolumeNodeId): Promise<VolumeSubject> {
  const { namespace, key, compat } = id;
  const place = await placeOf(request, namespace, key);
  const defined = await definedAt(request, id);
  const { tool, sharing } = request.caller.project.meaningOf({ namespace: place.namespace, key, defined });
  const subject = {
    ...place,
    key,
    compat,
    tool: tool.name,
    ...nothingAsked,
    sharing,
    warnings: deprecations(defined),
    defined,
  };
  if (id.definition === null || defined !== undefined) return subject;
  // The definition was removed, but the stored volume remembers its tool.
  return { ...subject, tool: (await findVolumeRecord(request, subject))?.tool ?? subject.tool };
}

/**
 * Finds the namespace by any of its names. Errors: E_NOT_FOUND for one that the caller may not see, before any lookup,
 * so that the answer does not reveal whether it exists.
 */
export async function placeOf(
  request: ApiRequest,
  asked: Namespace,
  key: VolumeName,
): Promise<Pick<VolumeSubject, 'namespace' | 'record'>> {
  if (!mayKnowVolume(request.caller, [asked], key)) throw unknown(`volume ${asked}:${key}`);
  const record = await request.world.deps.metadata.findNamespace(asked, request.signal);
  return { namespace: record?.paths[0] ?? asked, record };
}

/** As {@link placeOf}, for the namespace itself. */
export async function namespaceAt(request: ApiRequest, asked: Namespace): Promise<NamespaceRecord | undefined> {
  if (!mayKnow(request.caller, [asked])) throw unknown(`namespace ${asked}`);
  return await request.world.deps.metadata.findNamespace(asked, request.signal);
}

function unknown(what: string): CachelaneError {
  return new CachelaneError('E_NOT_FOUND', `this session knows of no ${what}`, {
    hint: 'it is confined to its project and to volumes granted to it: use a session that is not confined',
  });
}

/** Errors: E_NAMESPACE. */
export function namespaceIn(text: string | null | undefined): Namespace | null {
  return text === null || text === undefined ? null : parseNamespace(text, 'namespace');
}

/** Returns the volume name for a key. Keys are any text and are escaped where needed. Errors: E_VOLUME for an empty one. */
export function keyIn(text: string): VolumeName {
  try {
    return parseVolumeName(text);
  } catch (error) {
    if (text === '' || !isCachelaneError(error, 'E_VOLUME')) throw error;
    return volumeNameFrom(text);
  }
}
