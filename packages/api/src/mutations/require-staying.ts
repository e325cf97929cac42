import { CachelaneError } from '@cachelane/core';
import type { ApiRequest } from '../request/request.ts';

/** Errors: E_USAGE if the engine ends with this answer, so that the result would be lost. */
export function requireStaying({ world }: ApiRequest, what: string): void {
  if (world.endsWithAnswer !== true) return;
  throw new CachelaneError('E_USAGE', `${what} would end with this answer: no engine keeps running`, {
    hint: 'run cachelane query under a lasting engine: cachelane serve -- COMMAND',
  });
}
