import { join } from 'node:path';
import { CachelaneError, limits } from '@cachelane/core';
import { cannotLink, isMissing } from './dir-errors.ts';
import { dirLooks } from './dir-files.ts';
import { freshName, type DirPlace } from './dir-place.ts';
import { removeOld } from './remove-old.ts';

const numberPattern = /^[1-9][0-9]{0,14}$/;
const isUnfinished = (name: string): boolean => /^[0-9a-f]{32}$/.test(name);

export async function numbersIn(dir: string): Promise<readonly number[]> {
  try {
    return (await dirLooks.names(dir)).filter((name) => numberPattern.test(name)).map(Number);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

export function highest(numbers: readonly number[]): number | undefined {
  return numbers.length === 0 ? undefined : Math.max(...numbers);
}

export interface NewState {
  readonly dir: string;
  readonly number: number;
  readonly encoded: Uint8Array;
}

/**
 * Writes a state durably; throws EEXIST if its number is taken. `overtaken`: a higher number exists. Either others
 * moved on from our state, or it came too late, after a clean-up of the states between. Both look the same; the
 * current head has everything that counts.
 */
export async function addState(place: DirPlace, { dir, number, encoded }: NewState): Promise<'added' | 'overtaken'> {
  const { files } = place;
  const temporary = join(dir, freshName(place));
  await files.makeDirs(dir);
  // Write in the directory itself: this invalidates the directory cache of network file systems.
  await files.writeNew(temporary, encoded);
  try {
    await files.link(temporary, join(dir, `${number}`));
  } catch (error) {
    if (!cannotLink(error)) throw error;
    throw new CachelaneError('E_REMOTE_UNFIT', `${place.name} cannot make hard links, which heads need`, {
      hint: 'use a directory on another file system',
      cause: error,
    });
  } finally {
    await files.unlink(temporary).catch(ignoreMissing);
  }
  await files.syncDir(dir);
  const numbers = await numbersIn(dir);
  if ((highest(numbers) ?? 0) > number) return 'overtaken';
  await tidy(place, { dir, number, numbers });
  return 'added';
}

/** The head has moved, so failures here are left for the next clean-up. */
async function tidy(
  place: DirPlace,
  { dir, number, numbers }: Pick<NewState, 'dir' | 'number'> & { readonly numbers: readonly number[] },
): Promise<void> {
  try {
    for (const old of numbers.filter((one) => one <= number - limits.remoteHeadsKept)) {
      await place.files.unlink(join(dir, `${old}`)).catch(ignoreMissing);
    }
    if (number % limits.remoteHeadsKept === 0) await removeOld(place, { dir, isOurs: isUnfinished });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
}

function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}
