import { digestOf } from '../base/digest.ts';

/** Hex characters of a hash inside a name: 128 bits prevent deliberate collisions. */
const hashLength = 32;

/**
 * Returns any text as one segment of a name: `A-Z a-z 0-9 . _ - ~ +` stay, other UTF-8 bytes become `%XX` in
 * upper-case hex. Text is normalised (NFC) first, because file systems return both spellings of `é`. `.` and `..`
 * become `%2E` and `%2E%2E`. Empty text stays empty, which no name accepts. Never throws.
 */
export function escapeSegment(text: string): string {
  // A fast path for the common case, which dominates the CLI's start.
  if (/^[\w~+-][\w.~+-]*$/.test(text)) return text;
  if (text === '.' || text === '..') return text.replaceAll('.', '%2E');
  return encodeURIComponent(text.toWellFormed().normalize('NFC'))
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%2B', '+');
}

/** Decodes `%XX`. Other text, and bytes that are not UTF-8, stay. Never throws. */
export function percentDecode(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return run;
    }
  });
}

/** Returns whether {@link escapeSegment} could have written the segment. */
export function isEscapedSegment(segment: string): boolean {
  return segment !== '' && escapeSegment(percentDecode(segment)) === segment;
}

/**
 * Returns an escaped text of at most `maxBytes` (at least 40). Longer text keeps its beginning and ends in `~` and 32
 * hex characters of its SHA-256.
 */
export function shortenEscaped(escaped: string, maxBytes: number): string {
  return escaped.length <= maxBytes ? escaped : withHash(escaped, escaped, maxBytes);
}

/** Returns `<beginning of shown>~<hash of hashed>`, at most `maxBytes`; `shown` is escaped text. */
export function withHash(shown: string, hashed: string, maxBytes: number): string {
  let prefix = shown.slice(0, maxBytes - hashLength - 1).replace(/%[0-9A-F]?$/, '');
  // Do not cut a character of several escapes.
  while (/%[0-9A-F]{2}$/.test(prefix) && escapeRun(prefix) !== prefix) prefix = prefix.slice(0, -3);
  return `${prefix}~${digestOf(hashed).slice(0, hashLength)}`;
}

/** The text may contain `/`, unlike a segment. */
function escapeRun(text: string): string {
  return text
    .split('/')
    .map((segment) => escapeSegment(percentDecode(segment)))
    .join('/');
}
