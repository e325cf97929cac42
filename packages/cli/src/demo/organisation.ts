import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CachelaneError } from '@cachelane/core';
import type { Host } from '../host/host.ts';
import { readScript } from './script.ts';
import type { Teller } from './teller.ts';

/** Where a clone has the example. Errors: E_NOT_FOUND where the program lies in none. */
export function organisationDirectory({ program }: Pick<Host, 'program'>): string {
  const file = program.at(-1) ?? '';
  const directory = existsSync(file) ? dirname(realpathSync(file)) : '';
  // The bundle lies in `dist`, the source in `packages/cli/src`. No further: what lies above a clone, or above an installed package, may be anybody's, and the page is run.
  const places = ['dist', 'packages/cli/src'].flatMap((folder) =>
    directory.endsWith(`/${folder}`) ? [directory.slice(0, -folder.length)] : [],
  );
  const found = places.map((place) => join(place, 'examples/organisation')).find((place) => existsSync(pageOf(place)));
  if (found !== undefined) return found;
  throw new CachelaneError(
    'E_NOT_FOUND',
    'the story of an organisation is in examples/organisation of a clone, and this program lies in none',
    {
      hint: 'call ./cachelane demo organisation in a clone of the repository; cachelane demo plays its story anywhere',
    },
  );
}

/** Plays the page of the example: what a person reads there is what is run. */
export async function tellOrganisation(teller: Teller, directory: string): Promise<void> {
  for (const { title, parts } of readScript(readFileSync(pageOf(directory), 'utf8'))) {
    teller.chapter(title);
    for (const part of parts) {
      if (typeof part === 'string') teller.prose(part);
      else await teller.step(part);
    }
  }
}

function pageOf(directory: string): string {
  return join(directory, 'README.md');
}
