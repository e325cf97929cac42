import { join } from 'node:path';
import { CachelaneError, type Random } from '@cachelane/core';
import { ofSource } from '../content/read-source.ts';
import { throwIfAborted } from '../base/remote-errors.ts';
import { fromSystem, isMissing, type DirDoing } from './dir-errors.ts';
import { orAbandoned, type Patience } from './abandon.ts';
import type { DirFiles, DirLook } from './dir-files.ts';

/** Where things lie below the directory: `objects/KEY`, `heads/KEY@/NUMBER`, and `tmp` for what is not finished. No key has an `@`. */
export interface DirPlace {
  readonly root: string;
  readonly name: string;
  readonly files: DirFiles;
  readonly random: Random;
  /** At the root. Calls that ask at once share one answer: where none ever comes, one thread waits for it, and not all that the process has. */
  readonly look: () => Promise<DirLook>;
  readonly onAbandoned: Patience['onAbandoned'];
}

export const objectsDir = (place: DirPlace): string => join(place.root, 'objects');
export const headsDir = (place: DirPlace): string => join(place.root, 'heads');
export const temporaryDir = (place: DirPlace): string => join(place.root, 'tmp');

/** A name that nobody else uses, on any machine. */
export function freshName(place: DirPlace): string {
  return Buffer.from(place.random.bytes(16)).toString('hex');
}

/** One call of the port: refuses to start when aborted, makes sure that the directory is there, and translates what the system says. */
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

/** Never made by us: an empty mount point whose mount is missing would be filled instead of the mount. */
async function assertThere({ root, name, look }: DirPlace): Promise<void> {
  const hint = `make it once (mkdir), or mount what ${name} is to be`;
  let isDirectory: boolean;
  try {
    ({ isDirectory } = await look());
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new CachelaneError('E_REMOTE_GONE', `there is no directory ${root}`, { hint, cause: error });
  }
  if (!isDirectory) throw new CachelaneError('E_REMOTE_GONE', `${root} is no directory`, { hint });
}
