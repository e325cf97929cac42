import { join } from 'node:path';
import { CachelaneError, type Random } from '@cachelane/core';
import { ofSource } from '../content/read-source.ts';
import { throwIfAborted } from '../remote-errors.ts';
import { fromSystem, isMissing, type DirDoing } from './dir-errors.ts';
import { dirLooks, type DirFiles } from './dir-files.ts';

/** Where things lie below the directory: `objects/KEY`, `heads/KEY@/NUMBER`, and `tmp` for what is not finished. No key has an `@`. */
export interface DirPlace {
  readonly root: string;
  readonly name: string;
  readonly files: DirFiles;
  readonly random: Random;
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
    await assertThere(place);
    return await call();
  } catch (error) {
    throw ofSource(error)?.error ?? fromSystem(error, place.name, doing);
  }
}

/** Never made by us: an empty mount point whose mount is missing would be filled instead of the mount. */
async function assertThere({ root, name }: DirPlace): Promise<void> {
  try {
    await dirLooks.stat(root);
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new CachelaneError('E_REMOTE_GONE', `there is no directory ${root}`, {
      hint: `make it once (mkdir), or mount what ${name} is to be`,
      cause: error,
    });
  }
}
