import { canonicalCompat, parseVolumeOwner, scopeNamespace, type SharingMode } from '@cachelane/core';
import type { VolumeSubject } from '../nodes/volume-subject.ts';
import type { ApiRequest } from '../request.ts';
import { keyIn, namespaceIn, placeOf } from './find-volume.ts';
import { noteAsked } from './note-asked.ts';
import { sourceIn, type SourceInput } from './volume-source.ts';

export interface CacheVolumeArguments {
  readonly key: string;
  readonly namespace?: string | null;
  readonly scope?: readonly string[] | null;
  readonly compat?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly sharing?: SharingMode | null;
  readonly source?: SourceInput | null;
  readonly owner?: string | null;
}

/** Errors: E_VOLUME, E_NAMESPACE, E_LIMIT, E_USAGE for owner and source; E_NOT_FOUND for a namespace, or the volume of a source, that the caller may not know of, whether there is one or not. */
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
  const place = await placeOf(request, asked, key);
  const subject = { ...place, key, compat };
  const sharing = args.sharing ?? meaning.sharing;
  const owner = args.owner === null || args.owner === undefined ? null : parseVolumeOwner(args.owner);
  const source = await sourceIn(request, args.source);
  const warnings = noteAsked(request, subject, { sharing, owner, source });
  return { ...subject, tool: meaning.tool.name, sharing, owner, source, warnings };
}
