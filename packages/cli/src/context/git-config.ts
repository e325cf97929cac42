/** One `name = value` of a git configuration file. */
export interface GitConfigEntry {
  /** Lower case: `remote`. */
  readonly section: string;
  /** As written in quotes; lower case in the old form `[section.sub]`; null if there is none. */
  readonly subsection: string | null;
  /** Lower case. */
  readonly name: string;
  /** Null for a name without `=`, which git reads as true. */
  readonly value: string | null;
}

// Not `ini`, which reads no quoted subsections and escapes, nor `git config --list`, which takes 10 ms to start.

/**
 * Parses git's configuration format like git: sections, subsections, quotes, escapes, comments, continuations, CRLF. Skips lines that git
 * refuses. Does not follow `include`, since included files hold a person's settings.
 */
export function parseGitConfig(text: string): readonly GitConfigEntry[] {
  const cursor: Cursor = { text: text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n'), at: 0 };
  const entries: GitConfigEntry[] = [];
  let section: Section | null = null;
  while (cursor.at < cursor.text.length) {
    take(cursor, /[ \t\r\n]+/y);
    const c = cursor.text[cursor.at];
    if (c === undefined) break;
    if (c === '#' || c === ';') skipLine(cursor);
    else if (c === '[') section = readSection(cursor);
    else {
      const entry = readEntry(cursor);
      if (entry !== null && section !== null) entries.push({ ...section, ...entry });
    }
  }
  return entries;
}

interface Cursor {
  readonly text: string;
  at: number;
}

type Section = Pick<GitConfigEntry, 'section' | 'subsection'>;

function skipLine(cursor: Cursor): void {
  const end = cursor.text.indexOf('\n', cursor.at);
  cursor.at = end < 0 ? cursor.text.length : end + 1;
}

/** Matches the sticky pattern at the cursor and moves behind it. */
function take(cursor: Cursor, pattern: RegExp): RegExpExecArray | null {
  pattern.lastIndex = cursor.at;
  const found = pattern.exec(cursor.text);
  if (found !== null) cursor.at += found[0].length;
  return found;
}

/** Returns null and skips the line if the header is broken; entries below it are ignored. */
function readSection(cursor: Cursor): Section | null {
  const quoted = take(cursor, /\[([A-Za-z0-9.-]+)[ \t]+"((?:[^"\\\n]|\\[^\n])*)"\]/y);
  if (quoted !== null) {
    return { section: (quoted[1] ?? '').toLowerCase(), subsection: (quoted[2] ?? '').replace(/\\(.)/g, '$1') };
  }
  const plain = take(cursor, /\[([A-Za-z0-9-]+)(?:\.([A-Za-z0-9.-]*))?\]/y);
  if (plain === null) {
    skipLine(cursor);
    return null;
  }
  return { section: (plain[1] ?? '').toLowerCase(), subsection: plain[2]?.toLowerCase() ?? null };
}

function readEntry(cursor: Cursor): Pick<GitConfigEntry, 'name' | 'value'> | null {
  const name = take(cursor, /([A-Za-z][A-Za-z0-9-]*)[ \t]*/y)?.[1]?.toLowerCase();
  const next = cursor.text[cursor.at];
  if (name !== undefined && (next === undefined || next === '\n')) return { name, value: null };
  if (name === undefined || next !== '=') {
    skipLine(cursor);
    return null;
  }
  cursor.at += 1;
  const value = readValue(cursor);
  return value === null ? null : { name, value };
}

const escapes: Readonly<Record<string, string>> = { t: '\t', b: '\b', n: '\n', '\\': '\\', '"': '"' };

/** Reads to the end of the line and trims white space at both ends. Returns null if git refuses the value. */
function readValue(cursor: Cursor): string | null {
  let value = '';
  // Length of the value up to its last quoted or non-white character.
  let kept = 0;
  let isQuoted = false;
  for (;;) {
    // Reads runs of characters, since this is half of the time a start spends on git.
    const run = take(cursor, isQuoted ? /[^"\\\n]+/y : /[^"\\\n#;]+/y)?.[0] ?? '';
    value += value === '' && !isQuoted ? run.replace(/^[ \t\r]+/, '') : run;
    kept = isQuoted ? value.length : Math.max(kept, trimmedLength(value));
    const c = cursor.text[cursor.at];
    if (c === '"') {
      cursor.at += 1;
      isQuoted = !isQuoted;
      kept = value.length;
    } else if (c === '\\') {
      const plain = readEscape(cursor);
      if (plain === null) {
        skipLine(cursor);
        return null;
      }
      value += plain;
      if (plain !== '') kept = value.length;
    } else {
      skipLine(cursor);
      return isQuoted ? null : value.slice(0, kept);
    }
  }
}

/** Reads the character after a backslash: empty for a continued line, null if git has no such escape. */
function readEscape(cursor: Cursor): string | null {
  const escaped = cursor.text[cursor.at + 1] ?? '';
  cursor.at += 2;
  return escaped === '\n' ? '' : (escapes[escaped] ?? null);
}

function trimmedLength(value: string): number {
  let length = value.length;
  while (length > 0 && ' \t\r'.includes(value[length - 1] ?? '')) length -= 1;
  return length;
}
