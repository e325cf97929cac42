import { CachelaneError, parseVolumeName, sharingModes, type SharingMode } from '@cachelane/core';
import { commitPolicies, type CommitPolicy } from '@cachelane/engine';
import { didYouMean } from './suggest.ts';

/** What the person said about a volume of this name; null where nothing was said. */
type Choice<T> = (name: string) => T | null;

export type SharingChoice = Choice<SharingMode>;
export type CommitChoice = Choice<CommitPolicy>;

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
  return (name) => byName.get(name) ?? all;
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

/** Milliseconds; undefined where nothing was said. Errors: E_USAGE. */
export function parseSeconds(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}(\.\d{1,3})?$/.test(text)) return Number(text) * 1000;
  throw new CachelaneError('E_USAGE', `${option} is a number of seconds, not ${JSON.stringify(text)}`);
}
