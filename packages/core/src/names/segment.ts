import { digestOf } from '../base/digest.ts';

/** Hex characters of a hash inside a name: 128 bits, so that nobody finds a second text for the same name. */
const hashLength = 32;

/**
 * Writes any text as one segment of a name: `A-Z a-z 0-9 . _ - ~ +` stay, every other byte of its UTF-8 becomes `%XX`
 * in upper-case hex. Text is normalised (NFC) first, because file systems hand out both spellings of `é`. `.` and `..`
 * become `%2E` and `%2E%2E`. The empty text stays empty, which no name accepts. Never throws.
 */
export function escapeSegment(text: string): string {
  // The common case needs no second look, and is most of what a start of the CLI does here.
  if (/^[\w~+-][\w.~+-]*$/.test(text)) return text;
  if (text === '.' || text === '..') return text.replaceAll('.', '%2E');
  return encodeURIComponent(text.toWellFormed().normalize('NFC'))
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%2B', '+');
}

/** Decodes `%XX`; what is no escape, or does not decode to UTF-8, stays as it is. Never throws. */
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

/** True for what {@link escapeSegment} writes: one spelling for each text, never empty. */
export function isEscapedSegment(segment: string): boolean {
  return segment !== '' && escapeSegment(percentDecode(segment)) === segment;
}

/**
 * An escaped text of at most `maxBytes`: a longer one keeps its beginning and ends in `~` and 32 hex characters of its
 * SHA-256. `maxBytes` is at least 40.
 */
export function shortenEscaped(escaped: string, maxBytes: number): string {
  return escaped.length <= maxBytes ? escaped : withHash(escaped, escaped, maxBytes);
}

/** `<beginning of shown>~<hash of hashed>`, at most `maxBytes`; `shown` is escaped text. */
export function withHash(shown: string, hashed: string, maxBytes: number): string {
  let prefix = shown.slice(0, maxBytes - hashLength - 1).replace(/%[0-9A-F]?$/, '');
  // A character of several bytes is several escapes: it stays whole or goes.
  while (/%[0-9A-F]{2}$/.test(prefix) && escapeRun(prefix) !== prefix) prefix = prefix.slice(0, -3);
  return `${prefix}~${digestOf(hashed).slice(0, hashLength)}`;
}

/** Unlike a segment, the text may hold `/`. */
function escapeRun(text: string): string {
  return text
    .split('/')
    .map((segment) => escapeSegment(percentDecode(segment)))
    .join('/');
}
