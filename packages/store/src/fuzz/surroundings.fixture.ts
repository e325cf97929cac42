import { lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireThat } from './fuzz-target.fixture.ts';

export interface Surroundings {
  /** A directory some levels down that does not exist yet. Readers may write only in it. */
  readonly inside: string;
  /** Throws if anything beside it has changed. */
  readonly requireUntouched: () => void;
}

/** Creates files and directories around the place of unpacking, where names that lead out would point. */
export function surroundings(dir: string): Surroundings {
  const levels = ['', 'a', 'a/b', 'a/b/c'].map((name) => join(dir, name));
  for (const level of levels) {
    mkdirSync(level, { recursive: true });
    mkdirSync(join(level, 'd'));
    for (const name of ['f', 'd/f']) writeFileSync(join(level, name), 'not yours');
  }
  const inside = join(dir, 'a/b/c/inside');
  const look = (): string =>
    levels
      .flatMap((level) => [level, join(level, 'd')])
      .flatMap((each) => readdirSync(each).map((name) => join(each, name)))
      .filter((path) => path !== inside)
      .map((path) => {
        const { mode, size, mtimeNs, ino } = lstatSync(path, { bigint: true });
        // Work inside changes the parent directories, so only their names count.
        return levels.includes(path) ? path : `${path} ${mode} ${size} ${mtimeNs} ${ino}`;
      })
      .join('\n');
  const before = look();
  return { inside, requireUntouched: () => requireThat(look() === before, 'something outside has changed') };
}
