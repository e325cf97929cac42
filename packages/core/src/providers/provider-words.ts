import { printable } from '../names/printable.ts';

const wordsMost = 500;

/** What a program of somebody else's threw, for people: one line, and no user and password of an address in it, however that is written: up to the last `@` of what could be one. */
export function providerWords(thrown: unknown): string {
  const said = thrown instanceof Error ? thrown.message : String(thrown);
  return printable(said.replaceAll(/\/\/\S*@/g, '//')).slice(0, wordsMost);
}
