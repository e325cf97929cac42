import { CachelaneError } from '@cachelane/core';
import type { ApiRequest } from '../request/request.ts';

/** Errors: E_USAGE where what is asked for would be gone when its answer is read. */
export function requireStaying({ world }: ApiRequest, what: string): void {
  if (world.endsWithAnswer !== true) return;
  throw new CachelaneError('E_USAGE', `${what} would end with this answer, since no engine is there that stays`, {
    hint: 'ask one that does: cachelane serve -- COMMAND, with cachelane query in it',
  });
}
