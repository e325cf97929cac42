import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf } from '../files/file-errors.ts';

// Kept directories lie in the home, or outside it on the mount of a project.

const placesFile = 'places';

/** Directories outside the home that hold kept ones are known by this list, a line for each. */
export function notePlace(kept: string, place: string): void {
  if (place === kept || placesOf(kept).includes(place)) return;
  writeFileSync(`${kept}/${placesFile}`, `${JSON.stringify(place)}\n`, { flag: 'a' });
}

/** Where kept directories of a home lie, its own `kept`, and what was noted there. */
export function placesOf(kept: string): readonly string[] {
  const file = `${kept}/${placesFile}`;
  if (!existsSync(file)) return [kept];
  const lines = readFileSync(file, 'utf8').split('\n');
  return [kept, ...lines.flatMap((line) => (line.endsWith('"') ? [JSON.parse(line) as string] : []))];
}

/** Whether a kept directory is one of this home's, whatever symlinks its path goes through. */
export function isKeptHere(kept: string, tree: string): boolean {
  const slot = realOf(dirname(tree));
  return slot !== null && placesOf(kept).some((place) => realOf(place) === dirname(dirname(slot)));
}

function realOf(path: string): string | null {
  try {
    return realpathSync(path);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return null;
  }
}
