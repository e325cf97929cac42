import { parse } from 'ini';

/** Returns the settings of an `.npmrc` that are plain texts outside of sections, read by the package that npm uses. */
export function parseNpmrc(text: string): ReadonlyMap<string, string> {
  return new Map(Object.entries(parse(text)).filter((pair): pair is [string, string] => typeof pair[1] === 'string'));
}
