import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CachelaneError } from '@cachelane/core';
import type { Host } from '../host/host.ts';
import { readScript } from './script.ts';
import type { Teller } from './teller.ts';

/** Returns the example's directory in a clone. Errors: E_NOT_FOUND outside a clone. */
export function organisationDirectory({ program }: Pick<Host, 'program'>): string {
  const file = program.at(-1) ?? '';
  const directory = existsSync(file) ? dirname(realpathSync(file)) : '';
  // The bundle is in `dist`, the source in `packages/cli/src`. Other places above the program are not trusted, since the page is run.
  const places = ['dist', 'packages/cli/src'].flatMap((folder) =>
    directory.endsWith(`/${folder}`) ? [directory.slice(0, -folder.length)] : [],
  );
  const found = places.map((place) => join(place, 'examples/organisation')).find((place) => existsSync(pageOf(place)));
  if (found !== undefined) return found;
  throw new CachelaneError(
    'E_NOT_FOUND',
    'the story of an organisation needs a clone of the repository, and this program is not in one',
    {
      hint: 'call ./cachelane demo organisation in a clone; cachelane demo plays its story anywhere',
    },
  );
}

/** Plays the page of the example, so that the shown commands are the ones that run. */
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
