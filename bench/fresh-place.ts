import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { hasCommand, textOf } from './processes.ts';

/** The file is sparse, so it uses only what is written. */
const fileSystemBytes = 24 * 1024 ** 3;

/** A fresh directory, since ext4 creates files slowly where many were deleted. */
interface FreshPlace extends Disposable {
  readonly dir: string;
}

/** True if a place can be its own file system: ext4 in a file on a loop device. Otherwise it is a directory. */
export const hasFreshFileSystems: boolean =
  process.geteuid?.() === 0 && ['mkfs.ext4', 'mount', 'umount'].every((command) => hasCommand(command));

function openFreshPlace(path: string): FreshPlace {
  mkdirSync(path);
  if (!hasFreshFileSystems) return { dir: path, [Symbol.dispose]: () => {} };
  const file = `${path}.ext4`;
  textOf(['truncate', '-s', String(fileSystemBytes), file]);
  // Initialise everything now, not in the background.
  textOf(['mkfs.ext4', '-q', '-E', 'lazy_itable_init=0,lazy_journal_init=0', file]);
  textOf(['mount', '-o', 'loop,noatime', file, path]);
  const dir = join(path, 'work');
  mkdirSync(dir);
  return {
    dir,
    [Symbol.dispose]() {
      textOf(['umount', path]);
      rmSync(file);
    },
  };
}

/** A fresh place for each round, shared by its contenders. */
export class FreshPlaces implements Disposable {
  readonly #pathOf: (round: number) => string;
  #round = -1;
  #place: FreshPlace | null = null;

  constructor(pathOf: (round: number) => string) {
    this.#pathOf = pathOf;
  }

  of(round: number): string {
    if (this.#place === null || round !== this.#round) {
      this[Symbol.dispose]();
      this.#place = openFreshPlace(this.#pathOf(round));
      this.#round = round;
    }
    return this.#place.dir;
  }

  [Symbol.dispose](): void {
    this.#place?.[Symbol.dispose]();
    this.#place = null;
  }
}
