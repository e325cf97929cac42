import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf } from '../files/file-errors.ts';

// Kept directories are in the home, or outside it on the mount of a project.

const placesFile = 'places';

/** Adds a directory outside the home to the list of places with kept directories. */
export function notePlace(kept: string, place: string): void {
  if (place === kept || placesOf(kept).includes(place)) return;
  writeFileSync(`${kept}/${placesFile}`, `${JSON.stringify(place)}\n`, { flag: 'a' });
}

/** Returns all places with kept directories: the home's own `kept`, and those in its list. */
export function placesOf(kept: string): readonly string[] {
  const file = `${kept}/${placesFile}`;
  if (!existsSync(file)) return [kept];
  const lines = readFileSync(file, 'utf8').split('\n');
  return [kept, ...lines.flatMap((line) => (line.endsWith('"') ? [JSON.parse(line) as string] : []))];
}

/** Returns whether a kept directory belongs to this home, even if its path contains symlinks. */
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
