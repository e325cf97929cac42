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

/** Errors: E_NOT_FOUND for what is no id of a volume, and for one that the caller may not know of. */
export async function volumeWithId(request: ApiRequest, text: string): Promise<VolumeSubject> {
  const id = parseNodeId(text);
  if (id?.kind === 'volume') return await volumeAt(request, id);
  throw new CachelaneError('E_NOT_FOUND', 'there is no volume with this id');
}

/** As {@link volumeWithId}, for what changes it. Errors: E_USAGE where a confined session has no part in it. */
export async function volumeToChange(request: ApiRequest, text: string): Promise<VolumeSubject> {
  const subject = await volumeWithId(request, text);
  requireOwn(request.caller, namesOf(subject.record, subject.namespace));
  return subject;
}

/** As {@link volumeWithId}, for what saves to it. Errors: E_GRANT where a confined session may read it alone. */
export async function volumeToSave(request: ApiRequest, text: string): Promise<VolumeSubject> {
  const subject = await volumeWithId(request, text);
  const { bounds, lane, namespace: caller } = request.caller.project.context;
  const { namespace, key: volume } = subject;
  const reaching = { namespace, volume, access: 'write', lane } as const;
  if (bounds === undefined || mayReach(bounds, reaching)) return subject;
  const { code, message, hint } = withoutGrant({ caller, ...reaching });
  throw new CachelaneError(code, message, { hint: `mode READ finds what is in it, and saves nothing; ${hint}` });
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
  // The definition went, and its volume may be there: what it was saved by is known.
  return { ...subject, tool: (await findVolumeRecord(request, subject))?.tool ?? subject.tool };
}

/** Whose volume it is, by any name of the namespace. Errors: E_NOT_FOUND for one that the caller may not know of, in the same words whether it is there or not, and before anything is looked up. */
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
    hint: 'it was confined to its project, and to what was granted to that: open one that is not, or ask in the project itself',
  });
}

/** Errors: E_NAMESPACE. */
export function namespaceIn(text: string | null | undefined): Namespace | null {
  return text === null || text === undefined ? null : parseNamespace(text, 'namespace');
}

/** A key is any text: what is no name as it stands is escaped. Errors: E_VOLUME for an empty one. */
export function keyIn(text: string): VolumeName {
  try {
    return parseVolumeName(text);
  } catch (error) {
    if (text === '' || !isCachelaneError(error, 'E_VOLUME')) throw error;
    return volumeNameFrom(text);
  }
}
