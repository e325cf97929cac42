/**
 * The settings of an `.npmrc` (the `ini` package that npm reads it with): the last of several wins, sections and lists are
 * left out since nothing that we look for is in one.
 */
export function parseNpmrc(text: string): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  for (const line of text.split(/[\r\n]+/)) {
    const trimmed = line.trim();
    if (trimmed.startsWith('[')) break;
    const [, key, value] = /^([^;#=][^=]*)=(.*)$/.exec(trimmed) ?? [];
    if (key !== undefined && value !== undefined) settings.set(unquote(key), unquote(value));
  }
  return settings;
}

function unquote(text: string): string {
  const trimmed = text.trim();
  if (/^'.*'$/.test(trimmed)) return unquoteDouble(trimmed.slice(1, -1));
  return /^".*"$/.test(trimmed) ? unquoteDouble(trimmed) : withoutComment(trimmed);
}

function unquoteDouble(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? value : text;
  } catch {
    return text;
  }
}

/** `;` and `#` begin a comment unless a backslash is before them. */
function withoutComment(text: string): string {
  const [value = ''] = /^(?:\\.|[^\\;#])*\\?/.exec(text) ?? [];
  return value.trim().replace(/\\([\\;#])/g, '$1');
}
