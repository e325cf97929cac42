/**
 * A text of a TOML file by its path (`install.cache.dir`), however it is nested: sections, dotted keys, inline tables. As people
 * write settings; not a reader of TOML, and undefined for whatever is no text on one line.
 */
export function tomlText(text: string, path: readonly string[]): string | undefined {
  const wanted = path.join('.');
  let section = '';
  for (const line of text.split(/\r?\n/)) {
    const [, header] = /^\s*\[([^[\]]+)\]\s*(?:#.*)?$/.exec(line) ?? [];
    if (header !== undefined) section = `${keyPath(header)}.`;
    else if (/^\s*\[\[/.test(line)) section = '[[]].';
    const [, key = '', value = ''] = /^\s*([^=#[]+?)\s*=\s*(.+?)\s*$/.exec(line) ?? [];
    const at = `${section}${keyPath(key)}`;
    const found = at === wanted ? tomlString(value) : inlineText(value, at, wanted);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Parts without quotes and spaces. */
function keyPath(key: string): string {
  return key
    .split('.')
    .map((part) => part.trim().replace(/^(["'])(.*)\1$/, '$2'))
    .join('.');
}

function tomlString(value: string): string | undefined {
  const [, literal] = /^'([^']*)'/.exec(value) ?? [];
  if (literal !== undefined) return literal;
  const [basic] = /^"(?:[^"\\]|\\.)*"/.exec(value) ?? [];
  try {
    return basic === undefined ? undefined : String(JSON.parse(basic));
  } catch {
    return undefined;
  }
}

/** `cache = { dir = "…" }`. */
function inlineText(value: string, at: string, wanted: string): string | undefined {
  if (!wanted.startsWith(`${at}.`) || !value.startsWith('{')) return undefined;
  const key = RegExp.escape(wanted.slice(at.length + 1));
  const [, rest] = new RegExp(`[{,]\\s*${key}\\s*=\\s*(.+)$`).exec(value) ?? [];
  return rest === undefined ? undefined : tomlString(rest);
}
