import { digestOf, seedText, type VolumeSeed } from '@cachelane/core';
import { mayKnow } from '../request/caller.ts';
import { volumeId, type VolumeSubject } from './volume-subject.ts';
import type { ApiRequest } from '../request/request.ts';

type Identity = Parameters<typeof volumeId>[0];

/** The same text for a volume named by key or by definition. */
function markOf({ namespace, record, key, compat }: Identity): string {
  return volumeId({ namespace, record, key, compat });
}

/** Records what the caller asked of a volume and returns warnings about different requests before. */
export function noteAsked(
  { asked, caller, world }: ApiRequest,
  subject: Identity,
  { sharing, owner, source }: Pick<VolumeSubject, 'sharing' | 'owner' | 'source'>,
): readonly string[] {
  const { client, project } = caller;
  return asked.note(
    markOf(subject),
    { sharing, owner, source: source === null ? null : shortText(source.seed) },
    {
      asker: { client: client.mark, namespace: project.context.namespace, atMs: world.deps.clock.nowMs() },
      discretion: {
        mayKnow: (namespace) => mayKnow(caller, [namespace]),
        mayNameSources: !client.place.isConfined,
      },
    },
  );
}

/** Maximum characters remembered of an attribute, to limit memory. */
const textMost = 200;

/** Different seeds give different texts. */
function shortText(seed: VolumeSeed): string {
  const text = seedText(seed);
  return text.length <= textMost ? text : `${text.slice(0, textMost)}… (${digestOf(text).slice(0, 12)})`;
}
