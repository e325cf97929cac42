import { hash } from 'node:crypto';
import { CachelaneError, isCachelaneError, newId, type RunId } from '@cachelane/core';
import type { ApiRequest } from '../request/request.ts';

/** The same change has the same run, whoever repeats it and whichever engine it reaches. Errors: E_USAGE. */
export function runOfChange({ world }: ApiRequest, what: readonly unknown[], key: string | null | undefined): RunId {
  const name = keyOfChange(key);
  if (name === null) return newId('run', world.deps.random.bytes(16));
  return newId('run', hash('sha256', JSON.stringify([...what, name]), 'buffer'));
}

/** Null: it has none. Errors: E_USAGE. */
export function keyOfChange(key: string | null | undefined): string | null {
  if (key === null || key === undefined) return null;
  if (key.length >= 1 && key.length <= 200) return key;
  throw new CachelaneError('E_USAGE', 'key is a text of 1 to 200 characters');
}

/** What an earlier attempt did, or what this one does. Of two at once one is too late, and is told what the other one did. */
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
