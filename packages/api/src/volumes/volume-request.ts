import { CachelaneError } from '@cachelane/core';
import type { VolumeRequest } from '@cachelane/engine';
import type { VolumeSubject } from './volume-subject.ts';
import type { ApiRequest } from '../request/request.ts';
import { seedFor } from './volume-source.ts';

/**
 * Returns the request by which a run of the caller's project gets this very volume. Errors: E_USAGE for a variant that
 * no run here can have.
 */
export function volumeRequest(request: ApiRequest, subject: VolumeSubject): VolumeRequest {
  const { project } = request.caller;
  // A run always adds the tool's own compat fields.
  const here = Object.keys(project.meaningOf(subject).compat);
  const missing = here.filter((name) => !Object.hasOwn(subject.compat, name));
  if (missing.length === 0) {
    const word = project.context.bounds === undefined ? 'person' : 'confined';
    return { ...project.requestFor(subject), seed: seedFor(request, subject), compat: subject.compat, word };
  }
  throw new CachelaneError(
    'E_USAGE',
    `no run here can use this variant of ${subject.key}: its compat lacks ${missing.join(', ')}`,
  );
}
