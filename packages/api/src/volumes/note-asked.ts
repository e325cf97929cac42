import { digestOf, seedText, type VolumeSeed } from '@cachelane/core';
import { mayKnow } from '../request/caller.ts';
import { volumeId, type VolumeSubject } from './volume-subject.ts';
import type { ApiRequest } from '../request/request.ts';

type Identity = Parameters<typeof volumeId>[0];

/** Whatever it was asked for by. */
function markOf({ namespace, record, key, compat }: Identity): string {
  return volumeId({ namespace, record, key, compat });
}

/** What the caller wants of a volume, for whoever asks for it next; returns what it has to be told of those who asked before. */
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

/** Characters: what is remembered of ten thousand volumes must not take as much as their clients like. */
const textMost = 200;

/** Another one for another seed. */
function shortText(seed: VolumeSeed): string {
  const text = seedText(seed);
  return text.length <= textMost ? text : `${text.slice(0, textMost)}… (${digestOf(text).slice(0, 12)})`;
}
