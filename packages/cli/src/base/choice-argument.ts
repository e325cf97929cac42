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

/** The values of an option for all or some volumes of a run. */
interface Choice<T> {
  /** Returns the value for a volume; null if there is none. */
  of(name: string): T | null;
  /** The volumes named in the option. */
  readonly names: readonly string[];
  /** All given values. */
  readonly values: readonly T[];
}

export type SharingChoice = Choice<SharingMode>;
export type CommitChoice = Choice<CommitPolicy>;

export const noChoice: Choice<never> = { of: () => null, names: [], values: [] };

/** Parses `LOCKED` for all volumes, `npm=LOCKED` for one. The last of several wins. Errors: E_USAGE, E_VOLUME. */
export function parseSharing(texts: readonly string[]): SharingChoice {
  return parseChoice('--sharing', texts, sharingModes);
}

/** Parses `always` for all volumes, `npm=never` for one. Errors: E_USAGE, E_VOLUME. */
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
    `${option} must be one of ${choices.join(', ')}, not ${JSON.stringify(text)}${didYouMean(text, choices)}`,
    { hint: `use ${option} ${example}, or ${option} NAME=${example} for one volume` },
  );
}

/** Rejects a sharing that the mounter does not support. Errors: E_USAGE. */
export function requireSuitable({ values }: SharingChoice, mounter: MounterName | null): void {
  if (mounter === null) return;
  const against = values.find((mode) => !suits(mounter, mode));
  if (against === undefined) return;
  const what = mounter === 'live' ? 'gives all runs one directory' : 'gives each run its own view';
  throw new CachelaneError('E_USAGE', `--mounter ${mounter} ${what} and cannot be used with --sharing ${against}`, {
    hint: `${suitable()}; without --mounter the sharing decides`,
  });
}

/** `PRIVATE goes with overlay, clone; …` */
function suitable(): string {
  return sharingModes
    .map((mode) => `${mode} goes with ${mounterNames.filter((mounter) => suits(mounter, mode)).join(', ')}`)
    .join('; ');
}

/** Rejects options for volumes that the run does not have. Errors: E_USAGE. */
export function requireNamed(
  option: '--sharing' | '--commit' | '--provider',
  { names }: Pick<Choice<unknown>, 'names'>,
  volumes: readonly string[],
): void {
  const unknown = names.find((name) => !volumes.includes(name));
  if (unknown === undefined) return;
  const guess = didYouMean(unknown, volumes);
  throw new CachelaneError('E_USAGE', `${option} names ${unknown}, which is not a volume of this run${guess}`, {
    hint: volumes.length === 0 ? 'the run has no volumes: name one with -v' : `its volumes: ${volumes.join(', ')}`,
  });
}

/** Returns milliseconds; undefined without a value. Errors: E_USAGE. */
export function parseSeconds(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}(\.\d{1,3})?$/.test(text)) return Number(text) * 1000;
  throw new CachelaneError('E_USAGE', `${option} must be a number of seconds, not ${JSON.stringify(text)}`, {
    hint: 'write the seconds as in 60 or 0.5',
  });
}
