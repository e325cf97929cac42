import { existsSync, readFileSync, writeFileSync } from 'node:fs';

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
