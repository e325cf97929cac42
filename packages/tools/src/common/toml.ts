import { parse } from 'smol-toml';

/** Returns the value at a path of keys (`install`, `cache`); undefined if there is none or the text is not TOML. */
export function tomlValue(text: string, path: readonly string[]): unknown {
  try {
    const top: unknown = parse(text, { integersAsBigInt: 'asNeeded' });
    return path.reduce((at, key) => (Object(at) as Readonly<Record<string, unknown>>)[key], top);
  } catch {
    return undefined;
  }
}

/** Returns the text at a path of keys; undefined if the value is missing or not a text. */
export function tomlText(text: string, path: readonly string[]): string | undefined {
  const value = tomlValue(text, path);
  return typeof value === 'string' ? value : undefined;
}
