import {
  CachelaneError,
  mounterNames,
  parseVolumeName,
  sharingModes,
  type MounterName,
  type SharingMode,
} from '@cachelane/core';
import { suits } from '@cachelane/engine';
import { didYouMean } from './suggest.ts';

export interface SharingChoice {
  /** What the person said about a volume of this name; null where nothing was said. */
  of(name: string): SharingMode | null;
  /** The volumes that were named. */
  readonly names: readonly string[];
  /** All modes that were named. */
  readonly modes: readonly SharingMode[];
}

export const noSharingChoice: SharingChoice = { of: () => null, names: [], modes: [] };

/** `LOCKED` for all volumes, `npm=LOCKED` for one; of several for one volume the last counts. Errors: E_USAGE, E_VOLUME. */
export function parseSharing(texts: readonly string[]): SharingChoice {
  let all: SharingMode | null = null;
  const byName = new Map<string, SharingMode>();
  for (const text of texts) {
    const equals = text.indexOf('=');
    const mode = modeOf(text.slice(equals + 1));
    if (equals < 0) all = mode;
    else byName.set(parseVolumeName(text.slice(0, equals)), mode);
  }
  const modes = [...(all === null ? [] : [all]), ...byName.values()];
  return { of: (name) => byName.get(name) ?? all, names: [...byName.keys()], modes };
}

/** Of two flags that contradict each other neither wins without a word. Errors: E_USAGE. */
export function requireSuitable({ modes }: SharingChoice, mounter: MounterName | null): void {
  if (mounter === null) return;
  const against = modes.find((mode) => !suits(mounter, mode));
  if (against === undefined) return;
  const what = mounter === 'live' ? 'is one directory for all runs' : "is a view of the run's own";
  throw new CachelaneError('E_USAGE', `--mounter ${mounter} ${what}, which --sharing ${against} is not`, {
    hint: `${suitable()}; without --mounter the sharing decides`,
  });
}

/** `PRIVATE goes with overlay, clone; …` */
function suitable(): string {
  return sharingModes
    .map((mode) => `${mode} goes with ${mounterNames.filter((mounter) => suits(mounter, mode)).join(', ')}`)
    .join('; ');
}

/** A wish about a volume that the run does not have would be no wish at all. Errors: E_USAGE. */
export function requireNamed({ names }: SharingChoice, volumes: readonly string[]): void {
  const unknown = names.find((name) => !volumes.includes(name));
  if (unknown === undefined) return;
  const guess = didYouMean(unknown, volumes);
  throw new CachelaneError('E_USAGE', `--sharing names ${unknown}, which is no volume of this run${guess}`, {
    hint: volumes.length === 0 ? 'it has no volumes: name one with -v' : `its volumes: ${volumes.join(', ')}`,
  });
}

function modeOf(text: string): SharingMode {
  const mode = sharingModes.find((each) => each === text.toUpperCase());
  if (mode !== undefined) return mode;
  throw new CachelaneError('E_USAGE', `--sharing is one of ${sharingModes.join(', ')}, not ${JSON.stringify(text)}`, {
    hint: '--sharing LOCKED, or --sharing NAME=LOCKED for one volume',
  });
}

/** Milliseconds; undefined where nothing was said. Errors: E_USAGE. */
export function parseSeconds(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}(\.\d{1,3})?$/.test(text)) return Number(text) * 1000;
  throw new CachelaneError('E_USAGE', `${option} is a number of seconds, not ${JSON.stringify(text)}`);
}
