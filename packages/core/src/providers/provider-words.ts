import { printable } from '../names/printable.ts';
import { redactUrl } from '../names/remote-url.ts';

const wordsMost = 500;
/** What is looked at for addresses; whoever throws megabytes is not to have us search them. */
const heardMost = 4000;
// Without a bound to the scheme, a long word costs its square.
const address = /[A-Za-z][A-Za-z0-9+.-]{0,31}:\/\/\S+/g;

/** What a program of somebody else's threw, for people: one line, and of addresses no user, password, query or fragment. A user with its password is what stands before the last `@` of what could be an address, also where it has slashes in it. */
export function providerWords(thrown: unknown): string {
  const said = thrown instanceof Error ? thrown.message : String(thrown);
  // Users go first, of all of it: no cut comes between one and its `@`.
  const heard = said.replaceAll(/\S+/g, withoutUser).slice(0, heardMost);
  return printable(heard.replaceAll(address, redactUrl)).slice(0, wordsMost);
}

function withoutUser(word: string): string {
  const start = word.indexOf('//');
  const end = word.lastIndexOf('@');
  return start === -1 || end < start ? word : `${word.slice(0, start)}//${word.slice(end + 1)}`;
}
