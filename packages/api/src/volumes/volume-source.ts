import { CachelaneError, parseSeedDirectory, type VolumeSeed } from '@cachelane/core';
import { mayKnowVolume, type Caller } from '../request/caller.ts';
import { volumeId, type VolumeSource, type VolumeSubject } from './volume-subject.ts';
import type { ApiRequest } from '../request/request.ts';
import { volumeWithId } from './find-volume.ts';

export interface SourceInput {
  readonly directory?: string | null;
  /** An id. */
  readonly volume?: string | null;
}

/**
 * Returns the requested source without reading the disk. Errors: E_USAGE for an invalid path, for none or two sources,
 * and for a directory in a confined session; E_NOT_FOUND for a volume that the caller may not see.
 */
export async function sourceIn(
  request: ApiRequest,
  source: SourceInput | null | undefined,
): Promise<VolumeSource | null> {
  if (source === null || source === undefined) return null;
  const { directory = null, volume = null } = source;
  if ((directory === null) === (volume === null)) {
    throw new CachelaneError('E_USAGE', 'a source is either a directory or a volume', { hint: 'name one of them' });
  }
  if (volume !== null) {
    const subject = await volumeWithId(request, volume);
    const { namespace, key: name, compat } = subject;
    return {
      seed: { kind: 'volume', namespace, name, compat },
      node: { directory: null, volume: volumeId(subject) },
    };
  }
  if (request.caller.client.place.isConfined) {
    throw new CachelaneError('E_USAGE', 'a confined session cannot seed a volume from a directory', {
      hint: 'name a volume that it may see, or use a session that is not confined',
    });
  }
  const plain = parseSeedDirectory(directory ?? '');
  return { seed: { kind: 'directory', directory: plain }, node: { directory: plain, volume: null } };
}

/** Returns the seed of a volume: the requested one, else the one of the project's file, if the caller may use it. */
export function seedFor(
  request: ApiRequest,
  subject: Pick<VolumeSubject, 'namespace' | 'key' | 'source'>,
): VolumeSeed | null {
  const seed = subject.source?.seed ?? request.caller.project.requestFor(subject).seed;
  return mayBeSeeded(request.caller, seed) ? seed : null;
}

/**
 * Returns whether a confined session may use the seed. It may use no directory, since symlinks in a project can point
 * anywhere.
 */
export function mayBeSeeded(caller: Caller, seed: VolumeSeed | null): boolean {
  if (seed === null) return true;
  if (seed.kind === 'volume') return mayKnowVolume(caller, [seed.namespace], seed.name);
  return !caller.client.place.isConfined;
}
