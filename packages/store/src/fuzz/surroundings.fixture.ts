import { lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireThat } from './fuzz-target.fixture.ts';

export interface Surroundings {
  /** A directory some levels down, not made yet; whatever a reader does belongs in it. */
  readonly inside: string;
  /** Throws where something lies otherwise beside it than in the beginning. */
  readonly requireUntouched: () => void;
}

/** Files and directories around a place at which something is unpacked: where names would lead that lead out. */
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
        // Making and removing what is inside changes the directory above.
        return levels.includes(path) ? path : `${path} ${mode} ${size} ${mtimeNs} ${ino}`;
      })
      .join('\n');
  const before = look();
  return { inside, requireUntouched: () => requireThat(look() === before, 'something lies otherwise outside') };
}
