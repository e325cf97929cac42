import { CachelaneError } from '@cachelane/core';
import type { VolumeRequest } from '@cachelane/engine';
import type { VolumeSubject } from './volume-subject.ts';
import type { ApiRequest } from '../request/request.ts';
import { seedFor } from './volume-source.ts';

/** What a run of the caller's project asks for to get this very volume. Errors: E_USAGE for a variant that no run here can have. */
export function volumeRequest(request: ApiRequest, subject: VolumeSubject): VolumeRequest {
  const { project } = request.caller;
  // A run adds what the tool says here to what it asks for.
  const here = Object.keys(project.meaningOf(subject).compat);
  const missing = here.filter((name) => !Object.hasOwn(subject.compat, name));
  if (missing.length === 0) {
    const word = project.context.bounds === undefined ? 'person' : 'confined';
    return { ...project.requestFor(subject), seed: seedFor(request, subject), compat: subject.compat, word };
  }
  throw new CachelaneError(
    'E_USAGE',
    `${subject.key} is a variant that says nothing of ${missing.join(', ')}, and no run here can have it`,
  );
}
