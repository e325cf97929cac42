import { hash } from 'node:crypto';
import { CachelaneError, isCachelaneError, newId, type RunId } from '@cachelane/core';
import type { ApiRequest } from '../request/request.ts';

/** Returns a run id that is the same for each repetition of a change, on any engine. Errors: E_USAGE. */
export function runOfChange({ world }: ApiRequest, what: readonly unknown[], key: string | null | undefined): RunId {
  const name = keyOfChange(key);
  if (name === null) return newId('run', world.deps.random.bytes(16));
  return newId('run', hash('sha256', JSON.stringify([...what, name]), 'buffer'));
}

/** Returns the valid key; null if there is none. Errors: E_USAGE. */
export function keyOfChange(key: string | null | undefined): string | null {
  if (key === null || key === undefined) return null;
  if (key.length >= 1 && key.length <= 200) return key;
  throw new CachelaneError('E_USAGE', 'key must have 1 to 200 characters');
}

/**
 * Returns the result of an earlier attempt, or acts. If two attempts run at once, the loser returns the winner's
 * result.
 */
export async function once<T>(earlier: () => Promise<T | null>, now: () => Promise<T>): Promise<T> {
  const done = await earlier();
  if (done !== null) return done;
  try {
    return await now();
  } catch (error) {
    const meanwhile = isCachelaneError(error, 'E_HEAD_MOVED') ? await earlier() : null;
    if (meanwhile !== null) return meanwhile;
    throw error;
  }
}
