import { join } from 'node:path';
import { CachelaneError, type Random } from '@cachelane/core';
import { ofSource } from '../content/read-source.ts';
import { throwIfAborted } from '../base/remote-errors.ts';
import { fromSystem, isMissing, type DirDoing } from './dir-errors.ts';
import { orAbandoned, type Patience } from './abandon.ts';
import type { DirFiles, DirLook } from './dir-files.ts';

/**
 * The layout below the directory: `objects/KEY`, `heads/KEY@/NUMBER`, and `tmp` for unfinished files. Keys contain no
 * `@`.
 */
export interface DirPlace {
  readonly root: string;
  readonly name: string;
  readonly files: DirFiles;
  readonly random: Random;
  /** Looks at the root. Concurrent calls share one answer: without an answer, only one thread waits. */
  readonly look: () => Promise<DirLook>;
  readonly onAbandoned: Patience['onAbandoned'];
}

export const objectsDir = (place: DirPlace): string => join(place.root, 'objects');
export const headsDir = (place: DirPlace): string => join(place.root, 'heads');
export const temporaryDir = (place: DirPlace): string => join(place.root, 'tmp');

/** Returns a name that is unique across machines. */
export function freshName(place: DirPlace): string {
  return Buffer.from(place.random.bytes(16)).toString('hex');
}

/** Makes one call of the port: checks the signal and the directory, and translates system errors. */
export async function dirCall<T>(
  place: DirPlace,
  { doing, signal }: { readonly doing: DirDoing; readonly signal: AbortSignal },
  call: () => Promise<T>,
): Promise<T> {
  throwIfAborted(signal);
  try {
    const patience = { signal, onAbandoned: place.onAbandoned };
    await orAbandoned(assertThere(place), patience);
    return await orAbandoned(call(), patience);
  } catch (error) {
    throw ofSource(error)?.error ?? fromSystem(error, place.name, doing);
  }
}

/** Never create the root: files could go into an empty mount point whose mount is missing. */
async function assertThere({ name, look }: DirPlace): Promise<void> {
  let isDirectory: boolean;
  try {
    ({ isDirectory } = await look());
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new CachelaneError('E_REMOTE_GONE', `there is no directory for ${name}`, {
      hint: 'create it (mkdir), or mount it',
      cause: error,
    });
  }
  if (isDirectory) return;
  throw new CachelaneError('E_REMOTE_GONE', `${name} is not a directory`, { hint: 'name a directory as the remote' });
}
