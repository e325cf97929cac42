import { printable } from '../names/printable.ts';
import { redactUrl } from '../names/remote-url.ts';

const wordsMost = 500;
/** Only this many characters are searched for addresses. */
const heardMost = 4000;
// Without a bound on the scheme, long words take quadratic time.
const address = /[A-Za-z][A-Za-z0-9+.-]{0,31}:\/\/\S+/g;

/**
 * Returns an error of foreign code as one line of display text, without users, passwords, queries and fragments of
 * addresses. Everything before the last `@` of a possible address counts as user and password, even with slashes.
 */
export function providerWords(thrown: unknown): string {
  const said = thrown instanceof Error ? thrown.message : String(thrown);
  // Remove users first and then cut, so that no cut separates one from its `@`.
  const heard = said.replaceAll(/\S+/g, withoutUser).slice(0, heardMost);
  return printable(heard.replaceAll(address, redactUrl)).slice(0, wordsMost);
}

function withoutUser(word: string): string {
  const start = word.indexOf('//');
  const end = word.lastIndexOf('@');
  return start === -1 || end < start ? word : `${word.slice(0, start)}//${word.slice(end + 1)}`;
}
