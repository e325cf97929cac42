import { believedNotes, type HeadRecord, type NotedPaths } from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';

/** The marks of a head's paths, without implausible ones. */
export interface HeadNotes {
  readonly used: NotedPaths;
  readonly evicted: NotedPaths;
}

export async function notesOf(
  { metadata, clock }: Pick<EngineDependencies, 'metadata' | 'clock'>,
  { volumeId, lane }: Pick<HeadRecord, 'volumeId' | 'lane'>,
  signal: AbortSignal,
): Promise<HeadNotes> {
  const used = await metadata.notedPaths(volumeId, lane, 'used', signal);
  const evicted = await metadata.notedPaths(volumeId, lane, 'evicted', signal);
  const nowMs = clock.nowMs();
  return { used: believedNotes(used, nowMs), evicted: believedNotes(evicted, nowMs) };
}
