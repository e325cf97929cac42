import { printable } from '../names/printable.ts';
import { redactUrl } from '../names/remote-url.ts';

const wordsMost = 500;
const address = /[A-Za-z][A-Za-z0-9+.-]*:\/\/\S+/g;

/** What a program of somebody else's threw, for people: one line, and of addresses no user, password, query or fragment. A user with its password is what stands before the last `@` of what could be an address, also where it has slashes in it. */
export function providerWords(thrown: unknown): string {
  const said = thrown instanceof Error ? thrown.message : String(thrown);
  return printable(said.replaceAll(/\/\/\S*@/g, '//').replaceAll(address, redactUrl)).slice(0, wordsMost);
}
