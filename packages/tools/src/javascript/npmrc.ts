import type { ToolEnvironment } from '@cachelane/core';
import { parse } from 'ini';

/** Returns the plain text settings of an `.npmrc` outside sections. Uses npm's own parser. */
export function parseNpmrc(text: string): ReadonlyMap<string, string> {
  return new Map(Object.entries(parse(text)).filter((pair): pair is [string, string] => typeof pair[1] === 'string'));
}

/** Replaces `${NAME}` by the environment variable; an unset variable stays as text. */
export function fillIn(text: string, environment: ToolEnvironment): string {
  return text.replace(/\$\{([^${}]+)\}/g, (whole, name: string) => environment.env(name) ?? whole);
}
