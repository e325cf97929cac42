import {
  CachelaneError,
  didYouMean,
  mounterNames,
  parseVolumeName,
  sharingModes,
  type MounterName,
  type SharingMode,
} from '@cachelane/core';
import { commitPolicies, suits, type CommitPolicy } from '@cachelane/engine';

/** What an option said of all volumes of a run, or of some. */
interface Choice<T> {
  /** Of a volume of this name; null where nothing was said. */
  of(name: string): T | null;
  /** The volumes that were named. */
  readonly names: readonly string[];
  /** All values that were given. */
  readonly values: readonly T[];
}

export type SharingChoice = Choice<SharingMode>;
export type CommitChoice = Choice<CommitPolicy>;

export const noChoice: Choice<never> = { of: () => null, names: [], values: [] };

/** `LOCKED` for all volumes, `npm=LOCKED` for one; of several for one volume the last counts. Errors: E_USAGE, E_VOLUME. */
export function parseSharing(texts: readonly string[]): SharingChoice {
  return parseChoice('--sharing', texts, sharingModes);
}

/** `always` for all volumes, `npm=never` for one. Errors: E_USAGE, E_VOLUME. */
export function parseCommit(texts: readonly string[]): CommitChoice {
  return parseChoice('--commit', texts, commitPolicies);
}

function parseChoice<T extends string>(option: string, texts: readonly string[], choices: readonly T[]): Choice<T> {
  let all: T | null = null;
  const byName = new Map<string, T>();
  for (const text of texts) {
    const equals = text.indexOf('=');
    const chosen = oneOf(option, text.slice(equals + 1), choices);
    if (equals < 0) all = chosen;
    else byName.set(parseVolumeName(text.slice(0, equals)), chosen);
  }
  const values = [...(all === null ? [] : [all]), ...byName.values()];
  return { of: (name) => byName.get(name) ?? all, names: [...byName.keys()], values };
}

function oneOf<T extends string>(option: string, text: string, choices: readonly T[]): T {
  const chosen = choices.find((each) => each.toLowerCase() === text.toLowerCase());
  if (chosen !== undefined) return chosen;
  const example = choices.at(-1) ?? '';
  throw new CachelaneError(
    'E_USAGE',
    `${option} is one of ${choices.join(', ')}, not ${JSON.stringify(text)}${didYouMean(text, choices)}`,
    { hint: `${option} ${example}, or ${option} NAME=${example} for one volume` },
  );
}

/** Of two flags that contradict each other neither wins without a word. Errors: E_USAGE. */
export function requireSuitable({ values }: SharingChoice, mounter: MounterName | null): void {
  if (mounter === null) return;
  const against = values.find((mode) => !suits(mounter, mode));
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
export function requireNamed(
  option: '--sharing' | '--commit' | '--provider',
  { names }: Pick<Choice<unknown>, 'names'>,
  volumes: readonly string[],
): void {
  const unknown = names.find((name) => !volumes.includes(name));
  if (unknown === undefined) return;
  const guess = didYouMean(unknown, volumes);
  throw new CachelaneError('E_USAGE', `${option} names ${unknown}, which is no volume of this run${guess}`, {
    hint: volumes.length === 0 ? 'it has no volumes: name one with -v' : `its volumes: ${volumes.join(', ')}`,
  });
}

/** Milliseconds; undefined where nothing was said. Errors: E_USAGE. */
export function parseSeconds(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}(\.\d{1,3})?$/.test(text)) return Number(text) * 1000;
  throw new CachelaneError('E_USAGE', `${option} is a number of seconds, not ${JSON.stringify(text)}`);
}
