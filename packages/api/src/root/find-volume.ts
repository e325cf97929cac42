import {
  CachelaneError,
  canonicalCompat,
  isCachelaneError,
  parseNamespace,
  parseVolumeName,
  scopeNamespace,
  volumeNameFrom,
  type Namespace,
  type SharingMode,
  type VolumeName,
} from '@cachelane/core';
import { mayKnow, namesOf, requireOwn } from '../caller.ts';
import { parseNodeId, type VolumeNodeId } from '../node-id.ts';
import { volumeId, type VolumeSubject } from '../nodes/volume-subject.ts';
import type { ApiRequest } from '../request.ts';

export interface CacheVolumeArguments {
  readonly key: string;
  readonly namespace?: string | null;
  readonly scope?: readonly string[] | null;
  readonly compat?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly sharing?: SharingMode | null;
}

/** Errors: E_VOLUME, E_NAMESPACE, E_LIMIT; E_NOT_FOUND for a namespace that the caller may not know of, whether there is one or not. */
export async function askForVolume(request: ApiRequest, args: CacheVolumeArguments): Promise<VolumeSubject> {
  const { project } = request.caller;
  const outer = namespaceIn(args.namespace) ?? project.context.namespace;
  const asked = scopeNamespace(outer, args.scope ?? []);
  const key = keyIn(args.key);
  const meaning = project.meaningOf({ namespace: asked, key });
  const compat = canonicalCompat({
    ...meaning.compat,
    ...Object.fromEntries((args.compat ?? []).map(({ name, value }) => [name, value])),
  });
  const place = await placeOf(request, asked);
  const subject = { ...place, key, compat };
  const sharing = args.sharing ?? meaning.sharing;
  const warnings = request.asked.note(volumeId(subject), { sharing });
  return { ...subject, tool: meaning.tool.name, sharing, warnings };
}

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

export async function volumeAt(request: ApiRequest, { namespace, key, compat }: VolumeNodeId): Promise<VolumeSubject> {
  const place = await placeOf(request, namespace);
  const { tool, sharing } = request.caller.project.meaningOf({ namespace, key });
  return { ...place, key, compat, tool: tool.name, sharing, warnings: [] };
}

/** A namespace by any of its names. */
async function placeOf(request: ApiRequest, asked: Namespace): Promise<Pick<VolumeSubject, 'namespace' | 'record'>> {
  const record = await request.world.deps.metadata.findNamespace(asked, request.signal);
  if (!mayKnow(request.caller, namesOf(record, asked))) throw unknownNamespace(asked);
  return { namespace: record?.paths[0] ?? asked, record };
}

/** The same words, whether there is one or not. */
export function unknownNamespace(asked: Namespace): CachelaneError {
  return new CachelaneError('E_NOT_FOUND', `this session knows of no namespace ${asked}`, {
    hint: 'it was confined to its project: open one that is not, or ask in the project itself',
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
